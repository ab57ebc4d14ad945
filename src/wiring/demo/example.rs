//! The example fleet, carried inside the program so that the demo runs from anywhere.

macro_rules! files {
    ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("../../../examples-repo/", $path)))),*] };
}

/// Every file of `examples-repo/`, by its path. A test compares it with the folder.
pub const EXAMPLE: &[(&str, &str)] = files![
    "README.md",
    "billing/invoices.yaml",
    "billing/ledger.yaml",
    "namespaces/namespaces.yaml",
    "platform/kustomization.yaml",
    "platform/scratch.yaml",
    "shop/orders.yaml",
    "shop/parameters.yaml",
    "shop/pooling.yaml",
    "shop/profile.yaml",
];
