//! What a text says, in the type of a column: the strings of a record, and the keys of its maps.

use super::decimal::parse_decimal;
use super::reading::Rules;
use super::time::{parse_date, read_timestamp};
use super::{Column, Values};

impl Column {
    /// Appends what `text` says. Returns false, and appends nothing, if it is no value of this column's type. Numbers and
    /// booleans in texts are taken only if `is_lenient`.
    pub(super) fn append_text(&mut self, text: &str, rules: &Rules, is_lenient: bool) -> bool {
        let formats = &rules.timestamp_formats;
        let is_appended = match &mut self.values {
            Values::Texts(texts) => texts.push(text),
            Values::Binary(texts) => {
                base64_simd::forgiving_decode_to_vec(text.as_bytes()).is_ok_and(|bytes| texts.push_bytes(&bytes))
            }
            Values::Timestamps(values) => push(values, read_timestamp(text, formats)),
            Values::Dates(values) => push(values, parse_date(text, formats)),
            Values::Decimals { precision, scale, values } => push(values, parse_decimal(text, *precision, *scale)),
            Values::Integers { width, values } if is_lenient => {
                push(values, text.parse().ok().filter(|number| width.holds(*number)))
            }
            Values::Reals { values, .. } if is_lenient => push(values, text.parse().ok()),
            Values::Booleans(values) if is_lenient => {
                let flag = text.to_ascii_lowercase().parse().ok();
                flag.map(|flag| values.append(flag)).is_some()
            }
            _ => false,
        };
        if is_appended {
            self.append_valid();
        }
        is_appended
    }
}

fn push<T>(values: &mut Vec<T>, value: Option<T>) -> bool {
    value.map(|value| values.push(value)).is_some()
}
