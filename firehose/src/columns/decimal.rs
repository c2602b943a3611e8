//! Decimal numbers, read from their text without a detour through doubles.

/// The most digits of a decimal. Source: Apache Hive, "LanguageManual Types" (Decimals).
pub(crate) const PRECISION_MAX: u8 = 38;

/// The value of `text` in units of 10^-`scale`; `None` if it is no number, has a digit beyond the scale that is not zero, or
/// more than `precision` digits.
pub(crate) fn parse_decimal(text: &str, precision: u8, scale: u8) -> Option<i128> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // The place of the last digit before the one that stands for 10^-scale.
    let place = i64::try_from(whole.len()).ok()?.checked_add(exponent)?.checked_add(i64::from(scale))?;
    let mut units: i128 = 0;
    let mut digit_count = 0_u32;
    let precision = u32::from(precision);
    for (position, digit) in (0_i64..).zip(digits()) {
        let digit = i128::from(digit - b'0');
        if position >= place {
            // Behind the scale nothing but zeros is exact.
            if digit != 0 {
                return None;
            }
            continue;
        }
        if digit_count > 0 || digit != 0 {
            digit_count += 1;
            if digit_count > precision {
                return None;
            }
        }
        units = units * 10 + digit;
    }
    let missing = place.saturating_sub(i64::try_from(digits().count()).ok()?).max(0);
    if units != 0 {
        let missing = u32::try_from(missing).ok().filter(|missing| *missing <= precision - digit_count)?;
        units *= 10_i128.pow(missing);
    }
    Some(if is_negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        for (text, units) in [
            ("0", 0),
            ("-0.00", 0),
            ("12.34", 1234),
            ("-12.3", -1230),
            ("+7", 700),
            ("1.2300", 123),
            ("123e-2", 123),
            ("1.5E2", 15_000),
            ("0.00000e99", 0),
            ("00012.30", 1230),
            ("99999999.99", 9_999_999_999),
            ("1200000e-5", 1200),
        ] {
            assert_eq!(parse_decimal(text, 10, 2), Some(units), "{text}");
        }
        let most = "9".repeat(38);
        assert_eq!(parse_decimal(&most, 38, 0), Some(10_i128.pow(38) - 1));
        assert_eq!(parse_decimal(&format!("-0.{most}"), 38, 38), Some(1 - 10_i128.pow(38)));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in
            ["", ".", "-", "abc", "1.234", "100000000", "1e8", "1e-3", "1e999999999999", "1e", "--1", "1_0", "٣", "0x1"]
        {
            assert_eq!(parse_decimal(text, 10, 2), None, "{text}");
        }
        assert_eq!(parse_decimal(&format!("1{}", "0".repeat(38)), 38, 0), None);
        assert_eq!(parse_decimal(&format!("1e{}", i64::MAX), 38, 38), None);
    }
}
