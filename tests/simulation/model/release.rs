//! What a released revision asks of an instance, and whether a server starts with it.

/// The parameters of the model. The first two are hot-standby parameters, of which all five behave alike (`postgres-facts` a);
/// `work_mem` is only read again, the others need a restart.
pub(crate) const NAMES: [&str; COUNT] = ["max_connections", "max_wal_senders", "shared_buffers", "shared_preload_libraries", "work_mem"];
pub(crate) const COUNT: usize = 5;
/// How many of them, from the first on, are hot-standby parameters.
pub(crate) const HOT: usize = 2;
pub(crate) const MAX_CONNECTIONS: usize = 0;
pub(crate) const SHARED_BUFFERS: usize = 2;
pub(crate) const LIBRARY: usize = 3;
pub(crate) const WORK_MEM: usize = 4;

/// An image that no registry has.
pub(crate) const NO_IMAGE: i64 = 9;
/// An image whose server ends when it starts.
pub(crate) const BAD_IMAGE: i64 = 8;
/// A library that no image has. Library 1 is in every image, library 2 in images from 2 on.
pub(crate) const NO_LIBRARY: i64 = 9;
/// Amounts that no node has.
pub(crate) const TOO_MUCH: i64 = 90;

/// Values of the parameters.
pub(crate) type Values = [i64; COUNT];

/// What a pod is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Template {
    /// Version of the image.
    pub(crate) image: i64,
    /// Everything else in a pod that cannot be changed in place.
    pub(crate) label: i64,
    /// Processor and memory, in one number.
    pub(crate) amounts: i64,
    /// Storage class of the claims that are made.
    pub(crate) class: i64,
}

/// A released revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) template: Template,
    pub(crate) instances: u32,
    pub(crate) values: Values,
}

impl Release {
    /// What every scenario begins with.
    pub(crate) const fn first(instances: u32) -> Self {
        Self { template: Template { image: 1, label: 1, amounts: 2, class: 1 }, instances, values: [100, 10, 100, 1, 4] }
    }

    /// Why it can never run, where it cannot; `source` is what a standby cluster follows.
    pub(crate) fn flaw(&self, source: Option<i64>) -> Option<&'static str> {
        if source.is_some_and(|source| self.values[MAX_CONNECTIONS] < source) {
            return Some("the source has more");
        }
        if self.template.image == NO_IMAGE {
            return Some("no such image");
        }
        if self.template.amounts >= TOO_MUCH {
            return Some("no node has so much");
        }
        starts(self.template.image, self.template.amounts, &self.values).err()
    }
}

/// Whether a server starts, before it looks at its data.
pub(crate) fn starts(image: i64, amounts: i64, values: &Values) -> Result<(), &'static str> {
    if image == BAD_IMAGE {
        return Err("FATAL: could not load library");
    }
    if values[LIBRARY] == NO_LIBRARY || values[LIBRARY] >= 2 && image < 2 {
        return Err("FATAL: could not access file of shared_preload_libraries");
    }
    // The pages are reserved at once and touched soon: killed for its memory (`postgres-facts` d).
    if values[SHARED_BUFFERS] > amounts * 100 {
        return Err("terminated by signal 9: Killed");
    }
    Ok(())
}

/// Whether the kubelet refuses to give a running pod so much, while a new pod finds a node that has it.
pub(crate) const fn is_infeasible(amounts: i64) -> bool {
    amounts >= 50
}
