//! Codes of this stage.

use crate::diagnostics::Code;

/// Every code this stage uses.
pub const CODES: &[Code] = &[
    Code::error(
        "file-too-large",
        "the file is larger than the limit",
        "The API server refuses objects of more than about 1.5 MiB, and a file that large is seldom a manifest. Split it, or name it in `.stackgresignore`.",
    ),
    Code::error(
        "source-too-large",
        "all files together are larger than the limit",
        "Point the fleet at a folder (`spec.source.git.path`) that holds manifests only, or ignore the rest in `.stackgresignore`.",
    ),
    Code::error("too-many-documents", "the file holds more documents than the limit", "Split the file."),
    Code::error(
        "too-deep",
        "mappings and lists are nested deeper than the limit",
        "No object of Kubernetes is nested that deep; look for a generator that runs away.",
    ),
    Code::error("too-many-values", "the file holds more values than the limit", "Split the file."),
    Code::error(
        "not-utf8",
        "the file is not UTF-8 text",
        "YAML is read as UTF-8. Save the file in that encoding, or name it in `.stackgresignore` if it is no manifest.",
    ),
    Code::error(
        "yaml-syntax",
        "the document is not YAML",
        "The parser stopped at this place. Often a tab stands where blanks must, a quote is not closed, or a line is indented differently from its neighbours. Documents before and after a `---` line are still read.",
    ),
    Code::error(
        "tab-indentation",
        "a tab stands in the indentation",
        "YAML forbids tabs there, because their width is not defined. Use blanks.",
    ),
    Code::error(
        "bare-carriage-return",
        "a carriage return stands without a line feed",
        "YAML ends a line there; Git and most editors do not, so that what stands behind it looks like the rest of the line, a comment for example, to whoever reviews the change. End lines with a line feed (or both), and write `\\r` in double quotes where a value must hold one.",
    ),
    Code::error(
        "alias-refused",
        "an anchor or alias is used",
        "Aliases let a few bytes stand for gigabytes, and a reviewer cannot see what a line means. Write the value out.",
    ),
    Code::error(
        "duplicate-key",
        "a key is written twice",
        "YAML parsers disagree about which one counts, and most take the last one without a word. Remove one.",
    ),
    Code::error("merge-key", "a merge key `<<` is used", "Merge keys need aliases, which are refused. Write the fields out."),
    Code::error("not-text-key", "a key is not text", "Keys of Kubernetes objects are text. Quote it."),
    Code::error(
        "ambiguous-scalar",
        "YAML readers disagree about this value",
        "`yes`, `no`, `on`, `off` are booleans to kubectl and text to newer readers; `0755` is octal to one and decimal to the other; `1_000` is a number or text; `12:30` is a number in base 60 or text. Put quotes around text, and write `true`, `false` and plain decimal numbers otherwise.",
    ),
    Code::error(
        "not-a-json-value",
        "the value cannot stand in a Kubernetes object",
        "Objects are JSON: infinity, not-a-number, binary and custom tags have no place in it.",
    ),
    Code::error(
        "clear-text-secret",
        "a Secret stands in clear text",
        "Whoever can read the repository, now or in ten years, can read it. Make the Secret in the cluster by other means (an operator that fetches it from a vault, or one that decrypts a sealed or SOPS-encrypted file) and refer to it by name. Consider the value leaked and change it.",
    ),
    Code::error("missing-name", "the object has no name", "Every object needs `metadata.name`."),
    Code::error(
        "missing-namespace",
        "the object names no namespace",
        "The fleet may touch several namespaces, so each object must say which one it belongs to.",
    ),
    Code::error(
        "namespace-not-allowed",
        "the fleet may not touch this namespace",
        "`spec.namespaces` of the SGFleet lists what the repository may touch. Add the namespace there, or move the manifest.",
    ),
    Code::error(
        "duplicate-object",
        "two documents describe the same object",
        "Neither is used, because which one counts would depend on the order of files. Remove one. A Kustomize base and the patches of an overlay look like this: commit what `kustomize build` prints, or name the patches in `.stackgresignore`.",
    ),
    Code::error("unknown-kind", "no such kind in the group stackgres.io", "Check the spelling; the message names the nearest kind."),
    Code::error(
        "kind-no-longer-served",
        "the kind was served once, and its content stands elsewhere now",
        "An SGBackupConfig said where backups go and when they are made. An SGObjectStorage says where, and spec.configurations.backups of each SGCluster when and how. The help writes both out.",
    ),
    Code::error(
        "unclear-identity",
        "the document looks like one of ours and does not say what it is",
        "`apiVersion` and `kind` tell what a document is, and their spelling and case matter. Taken for something else, the document would be left alone and its cluster would count as gone.",
    ),
    Code::error(
        "wrong-api-version",
        "the kind exists in another API version",
        "Each kind is served in exactly one version; the help names it. The rest of the document is checked as that version, so that one look tells every edit.",
    ),
    Code::warning(
        "fleet-in-source",
        "an SGFleet stands in a fleet's own source",
        "A fleet decides what a repository may touch, so it is set up beside the repository, not in it. The document is left alone.",
    ),
    Code::warning(
        "bad-ignore-pattern",
        "a pattern of `.stackgresignore` cannot be read",
        "It matches nothing, so what it should keep out is read. Patterns are those of gitignore: `*`, `?`, `[a-z]`, `**`, `!`, and a backslash before a character that stands for itself.",
    ),
    Code::info(
        "left-alone",
        "the document is not managed and not touched",
        "Of a source, only the kinds of this API, Namespaces and the ConfigMaps that clusters use are managed. Everything else is named once, so that nothing is passed over unseen.",
    ),
];
