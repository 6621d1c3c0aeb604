//! How wide text is, as far as that can be known without a font: names are set in a font of one width.

/// How wide a letter is, in hundredths of the size of the font. Every usual font of one width is narrower.
const LETTER: usize = 62;

/// How wide a text is at a size.
pub(super) fn width(text: &str, size: usize) -> i32 {
    let cells: usize = text.chars().map(cells).sum();
    i32::try_from((cells * size * LETTER).div_ceil(100)).unwrap_or(i32::MAX / 4)
}

/// The cells that a letter takes: two in the scripts of East Asia, and for pictures.
fn cells(letter: char) -> usize {
    let is_wide = matches!(letter,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f000}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}');
    if is_wide { 2 } else { 1 }
}
