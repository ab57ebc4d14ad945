//! Per-version values of the fact tables, for example `13-17:1 | 18:16`.

/// A value that may differ between versions.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans(Vec<(u32, u32, String)>);

impl Spans {
    /// Reads `13-17:1 | 18:16`; versions may have a dot (`1.24-1.26:yes`), which counts as 124 to 126.
    pub(super) fn parse(text: &str) -> Self {
        let version = |text: &str| text.replace('.', "").parse::<u32>().ok();
        Self(
            text.split(" | ")
                .filter_map(|span| {
                    let (versions, value) = span.split_once(':')?;
                    let (from, to) = versions.split_once('-').unwrap_or((versions, versions));
                    Some((version(from)?, version(to)?, value.to_owned()))
                })
                .collect(),
        )
    }

    /// Like [`Self::parse`]; a text without versions is the value in all of them.
    pub(super) fn parse_or_same(text: &str) -> Self {
        let spans = Self::parse(text);
        if spans.0.is_empty() { Self(vec![(0, u32::MAX, text.to_owned())]) } else { spans }
    }

    /// The value in one version; `None` where the thing does not exist there.
    pub(super) fn get(&self, version: u32) -> Option<&str> {
        self.0.iter().find(|(from, to, _)| (*from..=*to).contains(&version)).map(|(_, _, value)| value.as_str())
    }

    /// Versions that have a value, as `13 to 17`.
    pub(super) fn versions(&self) -> Vec<u32> {
        self.0.iter().flat_map(|(from, to, _)| *from..=*to).collect()
    }
}
