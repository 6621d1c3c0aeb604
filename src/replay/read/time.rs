//! Times as logs write them, in nanoseconds since 1970.

/// The names of the months.
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The name of a month, which are numbered from 1.
pub(crate) fn month(number: i64) -> &'static str {
    let place = number.checked_sub(1).and_then(|place| usize::try_from(place).ok());
    place.and_then(|place| MONTHS.get(place)).copied().unwrap_or_default()
}

const SECOND: i64 = 1_000_000_000;

/// A date and a time as in RFC 3339, or with slashes; one without a zone is taken as UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |at: usize, digits: usize| -> Option<i64> {
        let part = bytes.get(at..at + digits)?;
        part.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let is = |at: usize, any: &[u8]| bytes.get(at).is_some_and(|byte| any.contains(byte));
    if !(is(4, b"-/") && is(7, b"-/")) {
        return seconds(text);
    }
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let midnight = days(year, month, day) * 86_400;
    if bytes.len() == 10 {
        return midnight.checked_mul(SECOND);
    }
    if !(is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut nanos = 0;
    if is(at, b".,") {
        at += 1;
        let mut unit = SECOND / 10;
        while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
            nanos += i64::from(digit - b'0') * unit;
            unit /= 10;
            at += 1;
        }
    }
    let offset = match bytes.get(at) {
        None | Some(b'Z' | b'z') => 0,
        Some(sign @ (b'+' | b'-')) => {
            let minutes_at = if is(at + 3, b":") { at + 4 } else { at + 3 };
            let minutes = number(at + 1, 2)? * 60 + number(minutes_at, 2).unwrap_or(0);
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        Some(_) => return None,
    };
    let whole = midnight + hour * 3600 + minute * 60 + second - offset;
    whole.checked_mul(SECOND)?.checked_add(nanos)
}

/// Whether a time has a clock and says no zone.
pub(super) fn lacks_zone(text: &str) -> bool {
    let is_clock = text.len() > 10 && text.as_bytes().get(13) == Some(&b':');
    let rest = text.get(19..).unwrap_or_default().trim_start_matches(['.', ',']);
    is_clock && rest.trim_start_matches(|one: char| one.is_ascii_digit()).is_empty()
}

/// Seconds since 1970, perhaps with a part of one; what is too many of them is thousandths, millionths or billionths.
fn seconds(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok().filter(|number| *number >= 0)?;
    let scale = match whole {
        0..100_000_000_000 => SECOND,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    let mut unit = scale;
    let mut nanos = whole.checked_mul(scale)?;
    for digit in part.bytes() {
        unit /= 10;
        nanos = nanos.checked_add(i64::from(digit.is_ascii_digit().then(|| digit - b'0')?) * unit)?;
    }
    Some(nanos)
}

/// Days since 1970 in the calendar that everybody uses (Howard Hinnant, `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month, day, hour, minute and second of a time.
pub(crate) fn parts(nanos: i64) -> [i64; 6] {
    let seconds = nanos.div_euclid(SECOND);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, date, second / 3600, second / 60 % 60, second % 60]
}

/// A time as RFC 3339 has it, to the second.
pub(crate) fn text(nanos: i64) -> String {
    let [year, month, day, hour, minute, second] = parts(nanos);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_spelling() {
        let day = 1_795_392_000_i64;
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T23:59:59Z", Some(951_868_799 * SECOND)),
            ("2026-11-23T00:00:00Z", Some(day * SECOND)),
            ("2026-11-23", Some(day * SECOND)),
            ("2026-11-23T08:00:07.251000417Z", Some((day + 28_807) * SECOND + 251_000_417)),
            ("2026/11/23 08:00:07.251", Some((day + 28_807) * SECOND + 251_000_000)),
            ("2026-11-23T09:00:07+01:00", Some((day + 28_807) * SECOND)),
            ("2026-11-23T07:30:07-0030", Some((day + 28_807) * SECOND)),
            ("1795392000", Some(day * SECOND)),
            ("1795392000.5", Some(day * SECOND + SECOND / 2)),
            ("1795392000123", Some(day * SECOND + 123_000_000)),
            ("", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-23T08", None),
            ("2026-11-23T08:00:07X", None),
            ("-1", None),
            ("9223372036854775807000", None),
        ] {
            assert_eq!(parse(text), nanos, "{text}");
        }
        assert_eq!(super::text(day * SECOND + 28_807 * SECOND), "2026-11-23T08:00:07Z");
        for day in (0..106_000).step_by(17) {
            let nanos = day * 86_400 * SECOND;
            assert_eq!(parse(&super::text(nanos)), Some(nanos));
        }
    }
}
