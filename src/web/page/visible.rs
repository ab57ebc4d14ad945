//! Characters that a reader would not see are shown by their number.
//!
//! It is done once, over a whole page: whatever it shows, a manifest cannot reverse, hide or break what is read. The marks have no
//! meaning in HTML, so they are safe in text and in attributes alike.

use std::fmt::Write as _;

/// Control characters except line breaks and tabs; directional formatting (Unicode Standard Annex 9), line separators, what has no
/// width, and the tag characters.
fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

/// The page with every such character as `‹U+202E›`.
pub(super) fn visible(page: String) -> String {
    if !page.contains(is_hidden) {
        return page;
    }
    let mut out = String::with_capacity(page.len() + 64);
    for character in page.chars() {
        if is_hidden(character) {
            let _ = write!(out, "‹U+{:04X}›", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A label that ends in an override would otherwise let a reviewer read another value than the one that is applied.
    #[test]
    fn what_hides_is_shown_and_the_rest_stays() {
        let shown = visible("a\u{202e}b\u{2066}c\u{1b}[31m\r\u{200b}\u{feff}\u{85}\u{e0041}ö\n\t".to_owned());
        assert_eq!(shown, "a‹U+202E›b‹U+2066›c‹U+001B›[31m‹U+000D›‹U+200B›‹U+FEFF›‹U+0085›‹U+E0041›ö\n\t");
        assert_eq!(visible("plain äöü – “”\n".to_owned()), "plain äöü – “”\n");
    }
}
