//! Click events: realistic, and the same for everybody.
//!
//! Event `n` is a pure function of the seed and `n`, so whoever reads the events back makes each one again and compares,
//! and nothing has to be remembered. Events belong to sessions; a session has one visitor with one device and country, and
//! views several pages. Pages are drawn from a Zipf distribution: a few are viewed very often.
//!
//! What this module does not do: claim to be a model of any real site.

use std::fmt::Write;
use std::net::Ipv4Addr;

use chrono::{DateTime, SecondsFormat};

/// Shapes every quickstart alike.
const SEED: u64 = 0x4845_4144_5741_5452;
/// When the first event happens: 1 January 2026, in milliseconds since the Unix epoch.
const FIRST_EVENT_MS: i64 = 1_767_225_600_000;
/// The time from one event to the next, in milliseconds.
const EVENT_SPACING_MS: i64 = 3;
/// Sessions that view pages at the same time.
const SESSIONS_AT_A_TIME: u64 = 1_000;
/// The pages that a session views.
const EVENTS_PER_SESSION: u64 = 12;
/// The pages of the site.
const PAGE_COUNT: usize = 2_000;
/// How steeply the popularity of pages falls; typical of web sites.
const ZIPF_EXPONENT: f64 = 1.05;

const COUNTRIES: [&str; 12] = ["US", "DE", "GB", "FR", "IN", "BR", "JP", "CA", "PL", "NL", "SE", "AU"];
const DEVICES: [&str; 3] = ["mobile", "desktop", "tablet"];
const SECTIONS: [&str; 5] = ["product", "category", "article", "search", "help"];
const TOPICS: [&str; 16] = [
    "shoes", "lamps", "tents", "bikes", "coffee", "maps", "boots", "rope", "radio", "stoves", "knives", "books",
    "boats", "skis", "packs", "clocks",
];
const REFERRERS: [&str; 5] = [
    "",
    "https://search.example/",
    "https://news.example/today",
    "https://social.example/feed",
    "https://mail.example/",
];

/// One click.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Click {
    pub(crate) event_number: u64,
    pub(crate) event_id: String,
    pub(crate) event_time: String,
    pub(crate) session_id: String,
    pub(crate) user_id: u64,
    pub(crate) page: String,
    pub(crate) referrer: Option<&'static str>,
    pub(crate) country: &'static str,
    pub(crate) device: &'static str,
    pub(crate) client_ip: String,
    pub(crate) dwell_ms: u64,
    /// How far the page was scrolled, in sixteenths of its length: exact as JSON and as a double.
    pub(crate) scroll_depth: f64,
    pub(crate) is_signed_in: bool,
}

/// Makes clicks.
#[derive(Debug)]
pub(crate) struct Clicks {
    /// By page: how many of 2^64 draws fall on it or one before it.
    cumulative: Vec<u64>,
}

impl Clicks {
    pub(crate) fn new() -> Self {
        let weights: Vec<f64> = (1..=PAGE_COUNT).map(|rank| (rank as f64).powf(-ZIPF_EXPONENT)).collect();
        let total: f64 = weights.iter().sum();
        let cumulative = weights.iter().scan(0.0, |sum, weight| {
            *sum += weight;
            // A float that is out of range saturates, which is right for the last page.
            Some((*sum / total * u64::MAX as f64) as u64)
        });
        Self { cumulative: cumulative.collect() }
    }

    /// Event `event_number`.
    pub(crate) fn event(&self, event_number: u64) -> Click {
        // Within a block of concurrent sessions, events go round the sessions.
        let block = event_number / (SESSIONS_AT_A_TIME * EVENTS_PER_SESSION);
        let session_number = block * SESSIONS_AT_A_TIME + event_number % SESSIONS_AT_A_TIME;
        let mut visitor = Draws::new(session_number ^ 0x5E55_1014);
        let mut view = Draws::new(event_number);
        let offset_ms = i64::try_from(event_number).unwrap_or(i64::MAX).saturating_mul(EVENT_SPACING_MS);
        let time = DateTime::from_timestamp_millis(FIRST_EVENT_MS.saturating_add(offset_ms)).unwrap_or_default();
        Click {
            event_number,
            event_id: format!("{:016x}", view.next()),
            event_time: time.to_rfc3339_opts(SecondsFormat::Millis, true),
            session_id: format!("s-{:012x}", visitor.next() >> 16),
            user_id: 10_000_000 + visitor.below(5_000_000),
            page: self.page(view.next()),
            referrer: Some(view.pick(&REFERRERS)).filter(|referrer| !referrer.is_empty()),
            country: visitor.pick(&COUNTRIES),
            device: visitor.pick(&DEVICES),
            client_ip: Ipv4Addr::from(0xC633_6400 | (visitor.next() & 0xFF) as u32).to_string(),
            dwell_ms: 200 + view.below(60_000),
            scroll_depth: view.below(17) as f64 / 16.0,
            is_signed_in: visitor.below(3) == 0,
        }
    }

    fn page(&self, draw: u64) -> String {
        let rank = self.cumulative.partition_point(|end| *end < draw).min(PAGE_COUNT - 1);
        let section = SECTIONS.get(rank % SECTIONS.len()).copied().unwrap_or_default();
        let topic = TOPICS.get(rank % TOPICS.len()).copied().unwrap_or_default();
        format!("/{section}/{topic}-{rank:04}")
    }
}

impl Click {
    /// Writes the event as one JSON object. All texts are plain ASCII without characters that JSON escapes.
    pub(crate) fn write_json(&self, json: &mut String) {
        json.clear();
        // Writing to a string cannot fail.
        let _ = write!(
            json,
            r#"{{"event_number":{},"event_id":"{}","event_time":"{}","session_id":"{}","user_id":{},"page":"{}","#,
            self.event_number, self.event_id, self.event_time, self.session_id, self.user_id, self.page,
        );
        if let Some(referrer) = self.referrer {
            let _ = write!(json, r#""referrer":"{referrer}","#);
        }
        let _ = write!(
            json,
            r#""country":"{}","device":"{}","client_ip":"{}","dwell_ms":{},"scroll_depth":{:?},"is_signed_in":{}}}"#,
            self.country, self.device, self.client_ip, self.dwell_ms, self.scroll_depth, self.is_signed_in,
        );
    }
}

/// A stream of random numbers that depends on nothing but the seed and a number (SplitMix64).
///
/// Source: Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct Draws(u64);

impl Draws {
    fn new(number: u64) -> Self {
        Self(mixed(number ^ SEED))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// A number below `bound`; the tiny bias of the remainder does not matter here.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick(&mut self, choices: &[&'static str]) -> &'static str {
        let index = self.below(choices.len().max(1) as u64) as usize;
        choices.get(index).copied().unwrap_or_default()
    }
}

fn mixed(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    fn json(number: u64) -> String {
        let mut json = String::new();
        Clicks::new().event(number).write_json(&mut json);
        json
    }

    #[test]
    fn events_are_the_same_for_everybody() {
        assert_eq!(json(0), json(0));
        assert_eq!(
            json(41),
            concat!(
                r#"{"event_number":41,"event_id":"6e4f7038a149553d","event_time":"2026-01-01T00:00:00.123Z","#,
                r#""session_id":"s-4d4a694d1a4a","user_id":14517587,"page":"/help/lamps-0049","#,
                r#""referrer":"https://mail.example/","country":"NL","device":"tablet","#,
                r#""client_ip":"198.51.100.38","dwell_ms":1461,"scroll_depth":0.375,"is_signed_in":false}"#,
            )
        );
    }

    #[test]
    fn json_is_valid_and_about_300_bytes() {
        let clicks = Clicks::new();
        let mut byte_count = 0;
        let mut text = String::new();
        for number in 0..2_000 {
            let click = clicks.event(number);
            click.write_json(&mut text);
            byte_count += text.len();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["event_number"], number);
            assert_eq!(value["page"], click.page);
            assert_eq!(value["scroll_depth"], click.scroll_depth);
            assert_eq!(value.get("referrer").and_then(|text| text.as_str()), click.referrer);
        }
        assert!((270..=330).contains(&(byte_count / 2_000)), "{} bytes an event", byte_count / 2_000);
    }

    #[test]
    fn ids_are_unique_and_a_session_keeps_its_visitor() {
        let clicks = Clicks::new();
        let mut ids = HashSet::new();
        let mut visitors = HashMap::new();
        for number in 0..30_000 {
            let click = clicks.event(number);
            assert!(ids.insert(click.event_id.clone()));
            let visitor = (click.user_id, click.country, click.device, click.client_ip.clone());
            assert_eq!(*visitors.entry(click.session_id.clone()).or_insert_with(|| visitor.clone()), visitor);
        }
        assert_eq!(visitors.len(), 3_000);
    }

    #[test]
    fn few_pages_get_most_views() {
        let clicks = Clicks::new();
        let mut views: HashMap<String, u32> = HashMap::new();
        for number in 0..20_000 {
            *views.entry(clicks.event(number).page).or_default() += 1;
        }
        let mut counts: Vec<u32> = views.into_values().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        assert!(counts.len() > 1_000);
        assert!(counts.iter().take(20).sum::<u32>() > 20_000 / 3);
    }
}
