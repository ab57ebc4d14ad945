//! Texts that must never be seen, and how they are found again.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Who may read a planted text where it lives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// Whoever may read Secrets. No other object and no output of any kind shows it.
    Secret,
    /// Whoever may read the manifest. What repeats the manifest for programs shows it, nothing else does.
    Manifest,
}

pub(super) struct Marker {
    what: String,
    home: Home,
    forms: Vec<String>,
}

/// Everything that was planted.
#[derive(Default)]
pub(super) struct Planted(Vec<Marker>);

impl Planted {
    /// A text that is found nowhere else. Its beginning is enough to find it: half a password is a leak as well.
    pub(super) fn plant(&mut self, home: Home, what: &str) -> String {
        let text = format!("PLANTED{:03}x", self.0.len());
        self.watch(home, what, &text);
        format!("{text}Vb7Qz9")
    }

    /// Looks for a text that somebody else made.
    pub(super) fn watch(&mut self, home: Home, what: &str, text: &str) {
        let mut forms = vec![text.to_owned()];
        // Base64 looks different with each of three beginnings; the characters at both ends depend on the neighbours.
        for shift in 0..3 {
            let encoded = STANDARD.encode([&vec![0; shift], text.as_bytes()].concat());
            forms.push(encoded[[0, 2, 3][shift]..(shift + text.len()) * 8 / 6].to_owned());
        }
        forms.push(text.bytes().map(|byte| format!("{byte:02x}")).collect());
        self.0.push(Marker { what: what.to_owned(), home, forms });
    }

    /// What of it is in a text. `inputs`: the text repeats manifests, so only what lives in Secrets must not be there.
    pub(super) fn seen(&self, text: &str, inputs: bool) -> Vec<&str> {
        let watched = self.0.iter().filter(|marker| !inputs || marker.home == Home::Secret);
        watched.filter(|marker| marker.forms.iter().any(|form| text.contains(form.as_str()))).map(|marker| marker.what.as_str()).collect()
    }
}

/// A search that finds nothing proves nothing unless it finds what is there.
#[test]
fn what_is_planted_is_found_in_every_form() {
    let mut planted = Planted::default();
    let (secret, manifest) = (planted.plant(Home::Secret, "a password"), planted.plant(Home::Manifest, "a token"));
    for before in ["", "a", "ab", "abc"] {
        let encoded = STANDARD.encode(format!("{before}{secret}xyz"));
        assert_eq!(planted.seen(&format!("data: {encoded}"), true), ["a password"], "{encoded}");
    }
    assert_eq!(planted.seen(&secret[..11], false), ["a password"]);
    assert_eq!(planted.seen(&manifest, false), ["a token"]);
    assert!(planted.seen(&manifest, true).is_empty() && planted.seen("PLANTED", false).is_empty());
}
