//! Writing to the two standard streams: data to stdout, everything else to stderr.

use std::fmt;
use std::io::{self, Write};

use crate::failure::Failure;

/// Writes one line of data to stdout.
pub(crate) fn data_line(line: impl fmt::Display) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(Failure::Output)
}

/// Tells the person something on stderr. If nobody can hear it, there is nobody to tell.
pub(crate) fn note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Tells the person why the program ends.
pub(crate) fn complain(failure: &Failure) {
    note(format_args!("headwater: {failure}"));
}

/// A number with commas between its thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things, such as `1 record` or `1,234 records`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn one_thing_is_singular() {
        let texts = [0, 1, 2_000].map(|number| counted(number, "record"));
        assert_eq!(texts, ["0 records", "1 record", "2,000 records"]);
    }
}
