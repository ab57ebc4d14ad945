//! The arguments; their comments are the help.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Fleets of PostgreSQL clusters on Kubernetes from a Git repository.
///
/// Exit codes: 0 fine or no difference, 1 differences, 2 failure, 3 invalid input, 4 refused by policy, 5 timeout.
#[derive(Debug, Parser)]
#[command(name = "stackgres", version, propagate_version = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Show the whole way from a commit to running clusters on an in-memory Kubernetes API: no cluster, no root, no network.
    Demo(DemoArguments),
    /// Check manifests offline: structure, references, rules. Exit code 3 if there are errors.
    Check(CheckArguments),
    /// Print the Kubernetes objects of the clusters.
    Render(RenderArguments),
    /// Show what a change does to the databases.
    Diff(DiffArguments),
    /// Show what taking the controller's newer rendering would do to running clusters.
    Plan(PlanArguments),
    /// Take the controller's newer rendering of running clusters: it is released, and carried out as every change.
    Promote(PromoteArguments),
    /// Show the revisions of a running cluster, what each changed, and its inputs.
    History(HistoryArguments),
    /// Hand the primary role over to another instance: writers wait behind the pooler, and with transaction pooling nobody fails. Exit
    /// code 4 if it is refused, 5 if what it waits for lasts longer than --timeout.
    Switchover(SwitchoverArguments),
    /// Restart every instance of a cluster once, the primary last, as an SGDbOps, and follow it. Exit code 5 if it takes longer than
    /// --timeout; it goes on then.
    Restart(RestartArguments),
    /// Stop every disturbance of a running cluster, with a reason, until a time or until --release.
    Hold(HoldArguments),
    /// Try again a rollout that stopped, or put back what ran before.
    Rollout(RolloutArguments),
    /// Explain a code (`storage-shrinks`) or a field (`sgcluster.spec.instances`).
    Explain(ExplainArguments),
    /// Write the reference as Markdown: a page a kind, the codes, the settings of PostgreSQL and PgBouncer.
    Docs(DocsArguments),
    /// Run the controller: carry out what fleets and clusters ask for, until it is told to stop.
    Run(RunArguments),
    /// Show the page of the demo for a Kubernetes cluster, on this machine, with your own rights: fleets, clusters, events. It only reads.
    Page(PageArguments),
    /// Print the CustomResourceDefinitions of every kind.
    Crd,
    /// Read one remote repository for the controller that started this: its question is on standard input.
    #[command(hide = true)]
    GitChild,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(super) struct Source {
    /// Files and directories to read; `-` is standard input. Below a directory only YAML and JSON files count; what
    /// `.stackgresignore` files name there, or in the folders around it, is left out.
    #[arg(required = true)]
    pub(super) paths: Vec<PathBuf>,
    /// Namespace of objects that name none.
    #[arg(long, default_value = "default")]
    pub(super) namespace: String,
    /// The set is not complete: a missing reference is a warning.
    #[arg(long)]
    pub(super) partial: bool,
    #[command(flatten)]
    pub(super) images: ImageArguments,
}

/// Which images there are.
#[derive(Debug, Args)]
pub(super) struct ImageArguments {
    /// File with the catalogue of images (as `deploy/images/catalogue` writes it) instead of the one that is built in. Give the
    /// controller's, so that versions, digests and extensions are judged as there.
    #[arg(long, env = "STACKGRES_CATALOGUE", value_name = "FILE")]
    pub(super) catalogue: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    pub(super) source: Source,
    /// Form of the output. What is left alone is told in each of them.
    #[arg(long, short, value_enum, default_value_t = CheckOutput::Text)]
    pub(super) output: CheckOutput,
    /// Colour of the text form. `auto` is where standard output is a terminal and `NO_COLOR` is not set.
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub(super) color: Colour,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum CheckOutput {
    Text,
    Json,
    Sarif,
    Github,
    /// The JSON Schema of the JSON form; nothing is checked.
    Schema,
}

/// When there is colour.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
pub(super) struct RenderArguments {
    #[command(flatten)]
    pub(super) source: Source,
    /// Only this cluster, as NAMESPACE/NAME.
    #[arg(long)]
    pub(super) cluster: Option<String>,
    /// Instead of the objects, every value each cluster runs with, after defaults, and where it comes from: one document a cluster.
    #[arg(long)]
    pub(super) effective: bool,
}

#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    /// Directory with the older side; with --head-directory.
    #[arg(long, value_name = "DIRECTORY", requires = "head_directory")]
    pub(super) base_directory: Option<PathBuf>,
    /// Directory with the newer side.
    #[arg(long, value_name = "DIRECTORY")]
    pub(super) head_directory: Option<PathBuf>,
    /// Older commit, branch or tag of the Git repository.
    #[arg(long, conflicts_with = "base_directory")]
    pub(super) base: Option<String>,
    /// Compare with what the Kubernetes cluster runs, and let its API server judge the newer side in a dry run.
    #[arg(long, conflicts_with_all = ["base", "base_directory"])]
    pub(super) live: bool,
    /// How to reach the API server for --live; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Newer commit, branch or tag; absent is the working directory.
    #[arg(long, conflicts_with = "head_directory")]
    pub(super) head: Option<String>,
    /// The Git repository.
    #[arg(long, default_value = ".")]
    pub(super) repository: PathBuf,
    /// Folder inside the repository.
    #[arg(long, default_value = "")]
    pub(super) path: String,
    /// Namespace of objects that name none.
    #[arg(long, default_value = "default")]
    pub(super) namespace: String,
    #[command(flatten)]
    pub(super) images: ImageArguments,
    /// Also list every changed Kubernetes object, field by field.
    #[arg(long)]
    pub(super) objects: bool,
    /// Exit with 1 if there are differences.
    #[arg(long)]
    pub(super) exit_code: bool,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = DiffOutput::Text)]
    pub(super) output: DiffOutput,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DiffOutput {
    Text,
    Json,
    /// The JSON Schema of the JSON form.
    Schema,
}

#[derive(Debug, Args)]
pub(super) struct PlanArguments {
    /// Clusters, as NAMESPACE/NAME; absent is every one.
    pub(super) clusters: Vec<String>,
    /// From what was released to the same inputs as the controller's program renders them: its version, its tuning, its images.
    #[arg(long, required = true)]
    pub(super) promote: bool,
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Also list every changed Kubernetes object, field by field.
    #[arg(long)]
    pub(super) objects: bool,
    /// Exit with 1 if there are differences.
    #[arg(long)]
    pub(super) exit_code: bool,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = PlanOutput::Text)]
    pub(super) output: PlanOutput,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum PlanOutput {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct PromoteArguments {
    /// Clusters, as NAMESPACE/NAME.
    #[arg(required = true)]
    pub(super) clusters: Vec<String>,
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct HistoryArguments {
    /// The cluster, as NAMESPACE/NAME.
    pub(super) cluster: String,
    /// Print the inputs of this revision (its name, or the digits at its end) and what it changed.
    pub(super) revision: Option<String>,
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
    /// Form of the output.
    #[arg(long, short, value_enum, default_value_t = HistoryOutput::Text)]
    pub(super) output: HistoryOutput,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum HistoryOutput {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct SwitchoverArguments {
    /// The cluster, as NAMESPACE/NAME.
    pub(super) cluster: String,
    /// Pod that shall lead; absent is the one that has everything.
    #[arg(long, value_name = "POD")]
    pub(super) candidate: Option<String>,
    /// A logical replication slot whose consumer may lose its position, because the new primary does not have it; may be given more
    /// than once. It stays accepted (annotation stackgres.io/accept-slot-loss).
    #[arg(long, value_name = "SLOT")]
    pub(super) accept_slot_loss: Vec<String>,
    /// How long to follow it, in seconds.
    #[arg(long, default_value_t = 300)]
    pub(super) timeout: u64,
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct RestartArguments {
    /// The cluster, as NAMESPACE/NAME.
    pub(super) cluster: String,
    /// Whether one instance is away meanwhile, or one more comes first; absent is the method of the cluster's update strategy.
    #[arg(long, value_enum)]
    pub(super) method: Option<RestartMethod>,
    /// Restart only instances that wait for it.
    #[arg(long)]
    pub(super) only_pending: bool,
    /// Name of the SGDbOps; absent is the cluster's name and the time.
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// How long to follow it, in seconds.
    #[arg(long, default_value_t = 1_800)]
    pub(super) timeout: u64,
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum RestartMethod {
    InPlace,
    ReducedImpact,
}

impl RestartMethod {
    /// As the API writes it.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::InPlace => "InPlace",
            Self::ReducedImpact => "ReducedImpact",
        }
    }
}

/// What to do with the change of a cluster.
#[derive(Debug, Args)]
pub(super) struct RolloutArguments {
    #[command(subcommand)]
    pub(super) verb: RolloutVerb,
}

#[derive(Debug, Subcommand)]
pub(super) enum RolloutVerb {
    /// Try again what stopped, after its cause is gone. New inputs need no retry.
    Retry(RolloutTarget),
    /// Put back what ran before, by the same rules, until other inputs are released.
    Rollback(RolloutTarget),
}

#[derive(Debug, Args)]
pub(super) struct RolloutTarget {
    /// The cluster, as NAMESPACE/NAME.
    pub(super) cluster: String,
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct HoldArguments {
    /// The cluster, as NAMESPACE/NAME.
    pub(super) cluster: String,
    /// Why. Replaces a hold that is there.
    #[arg(long, value_name = "TEXT", required_unless_present = "release", conflicts_with = "release")]
    pub(super) reason: Option<String>,
    /// When it ends by itself, such as 2026-11-28T06:00:00Z. Without an end it stays until it is taken away.
    #[arg(long, value_name = "WHEN", conflicts_with_all = ["length", "release"])]
    pub(super) until: Option<String>,
    /// How long it lasts, such as 2h or P1D.
    #[arg(long = "for", value_name = "DURATION", conflicts_with = "release")]
    pub(super) length: Option<String>,
    /// Who sets it; absent is the name that the API server knows you by.
    #[arg(long, value_name = "NAME", conflicts_with = "release")]
    pub(super) by: Option<String>,
    /// Take the hold away.
    #[arg(long)]
    pub(super) release: bool,
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG", hide_env_values = true)]
    pub(super) kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// A code, a kind and path such as `sgcluster.spec.pods`, or a setting such as `postgresql.conf/work_mem` or
    /// `pgbouncer.ini/pool_mode`. Absent: every code.
    pub(super) what: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DocsArguments {
    /// Directory that the pages are written into; it is made if it is not there. Pages of the same name are replaced, and nothing else.
    pub(super) directory: PathBuf,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Address of the page; any free one of this machine if it is taken.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// End when the script has been played.
    #[arg(long)]
    pub once: bool,
    /// Which log lines to show on standard error.
    #[arg(long, env = "STACKGRES_LOG", default_value = "error")]
    pub log: String,
}

/// Arguments of `page`.
#[derive(Debug, Args)]
pub struct PageArguments {
    /// How to reach the API server; absent is the environment's.
    #[arg(long, env = "KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,
    /// Look into these namespaces only, separated by commas; absent is all.
    #[arg(long, value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// Address of the page; any free one of this machine if it is taken.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Seconds between two looks.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub interval_seconds: u64,
    /// Which log lines to show on standard error.
    #[arg(long, env = "STACKGRES_LOG", default_value = "warn")]
    pub log: String,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// How to reach the API server; absent is the environment's or the pod's own.
    #[arg(long, env = "KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace of the lease.
    #[arg(long, env = "POD_NAMESPACE", default_value = "stackgres")]
    pub namespace: String,
    /// Look into these namespaces only, separated by commas; absent is all. The controller then needs rights in these alone.
    #[arg(long, env = "STACKGRES_NAMESPACES", value_delimiter = ',')]
    pub namespaces: Vec<String>,
    /// Name of the lease that elects one replica.
    #[arg(long, default_value = "stackgres")]
    pub lease_name: String,
    /// Run without an election, as the only replica.
    #[arg(long)]
    pub no_lease: bool,
    /// Name of this replica in the election.
    #[arg(long, env = "POD_NAME", default_value = "stackgres-local")]
    pub identity: String,
    /// Address of the health and metrics endpoints.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Address of the webhook, `/webhook`, of which every fleet profits that follows the repository that was pushed to; none without it.
    /// It speaks HTTP: put what ends TLS before it.
    #[arg(long, env = "STACKGRES_WEBHOOK_LISTEN", value_name = "ADDRESS", requires = "webhook_secret_file")]
    pub webhook_listen: Option<String>,
    /// File with the secret of the webhook, 16 characters or more; several lines are several secrets. It is read for each delivery.
    #[arg(long, env = "STACKGRES_WEBHOOK_SECRET_FILE", value_name = "FILE")]
    pub webhook_secret_file: Option<PathBuf>,
    /// Longest time between two passes, in seconds; changes are seen at once, and each fleet says how often to look at its source.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub interval_seconds: u64,
    /// Folder for copies of repositories; losing it costs one fetch each.
    #[arg(long, env = "STACKGRES_CACHE_DIRECTORY", default_value = "/var/cache/stackgres")]
    pub cache_directory: PathBuf,
    /// Folder with credentials for repositories of fleets that name none: in it a folder for each, with the files `url` (what the address begins
    /// with), those that a fleet's Secret has, and `namespaces` if only some may use them. They are read at each look.
    #[arg(long, env = "STACKGRES_GIT_CREDENTIALS_DIRECTORY", value_name = "DIRECTORY")]
    pub git_credentials_directory: Option<PathBuf>,
    /// Memory that the process may take that reads a remote repository, in MiB; what needs more is refused. A repository of 10,000 clusters
    /// takes about 100.
    #[arg(long, env = "STACKGRES_GIT_MEMORY_MEBIBYTES", default_value_t = 384, value_parser = clap::value_parser!(u32).range(64..=65536))]
    pub git_memory_mebibytes: u32,
    /// How many remote repositories may be read at a time, each in a process of its own. The controller's memory limit must hold them all.
    #[arg(long, env = "STACKGRES_GIT_PROCESSES", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub git_processes: u16,
    /// Directory below which fleets may name directories and local repositories as their source; may be given more than once.
    #[arg(long = "directory", env = "STACKGRES_DIRECTORIES", value_delimiter = ',')]
    pub directories: Vec<PathBuf>,
    /// Allow repositories over unencrypted HTTP; never with credentials.
    #[arg(long)]
    pub plain_http: bool,
    /// Put before every image name.
    #[arg(long, env = "STACKGRES_IMAGE_PREFIX", default_value = "stackgres/")]
    pub image_prefix: String,
    /// File with the catalogue of images instead of the one that is built in; read at the start. See `deploy/images/catalogue`.
    #[arg(long, env = "STACKGRES_CATALOGUE", value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// Names of the image pull Secrets, separated by commas.
    #[arg(long, env = "STACKGRES_IMAGE_PULL_SECRETS", value_delimiter = ',')]
    pub image_pull_secrets: Vec<String>,
    /// DNS domain of the Kubernetes cluster.
    #[arg(long, env = "STACKGRES_CLUSTER_DOMAIN", default_value = "cluster.local")]
    pub cluster_domain: String,
    /// Which log lines to show, for example `info` or `stackgres=debug`.
    #[arg(long, env = "STACKGRES_LOG", default_value = "info")]
    pub log: String,
    /// Log as text instead of JSON.
    #[arg(long)]
    pub log_text: bool,
}
