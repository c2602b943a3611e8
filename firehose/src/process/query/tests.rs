use super::*;

fn keys(query: &str, record: &str) -> Result<Vec<(String, String)>, Reason> {
    Query::new(query).unwrap().keys(record.as_bytes()).map(|keys| keys.into_iter().collect())
}

/// The record of the Developer Guide, "Understand partitioning keys".
const GUIDE: &str = r#"{"type":{"device":"mobile","event":"user_clicked_submit_button"},"customer_id":"1234567890",
    "event_timestamp":1565382027,"region":"sample_region"}"#;

#[test]
fn the_expressions_of_the_guide_give_its_keys() {
    let query = r#"{customer_id:.customer_id,device:.type.device,year:.event_timestamp|strftime("%Y"),
        month:.event_timestamp|strftime("%m"),day:.event_timestamp|strftime("%d"),hour:.event_timestamp|strftime("%H")}"#;
    let found = keys(query, GUIDE).unwrap();
    let expected = [
        ("customer_id", "1234567890"),
        ("day", "09"),
        ("device", "mobile"),
        ("hour", "20"),
        ("month", "08"),
        ("year", "2019"),
    ];
    assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn what_people_write_is_taken() {
    for (query, record, expected) in [
        ("{k:.a}", r#"{"a":1}"#, "1"),
        ("{k:.a}", r#"{"a":1.50}"#, "1.50"),
        ("{k:.a}", r#"{"a":true}"#, "true"),
        ("{\"k\":.a.b[0].c}", r#"{"a":{"b":[{"c":"x"}]}}"#, "x"),
        (r#"{k:(.a // "none")}"#, "{}", "none"),
        (r#"{k:(.a|tostring)}"#, r#"{"a":null}"#, "null"),
        (r#"{k:"\(.a)-\(.b)"}"#, r#"{"a":1,"b":"x"}"#, "1-x"),
        (r#"{k:(.ts/1000|floor|strftime("%Y-%m-%d"))}"#, r#"{"ts":1565382027123}"#, "2019-08-09"),
        (r#"{k:(.t|fromdateiso8601|strftime("%H"))}"#, r#"{"t":"2019-08-09T20:20:27Z"}"#, "20"),
        (r#"{k:(.t|split("T")|.[0])}"#, r#"{"t":"2019-08-09T20"}"#, "2019-08-09"),
        (r#"{k:(.t|split("T")[0])}"#, r#"{"t":"2019-08-09T20"}"#, "2019-08-09"),
        (r#"{k:(if .n > 10 then "big" elif .n then "small" else "none" end)}"#, r#"{"n":3}"#, "small"),
        (
            r#"{k:(.tags|map(select(.key=="env"))|.[0].value)}"#,
            r#"{"tags":[{"key":"x"},{"key":"env","value":"prod"}]}"#,
            "prod",
        ),
        (r#"{k:([.l[]|.id]|join("-"))}"#, r#"{"l":[{"id":"a"},{"id":"b"}]}"#, "a-b"),
        (r#"{k:(.a|ascii_downcase|gsub(" ";"_"))}"#, r#"{"a":"New York"}"#, "new_york"),
        (r#"{k:(.a as $x|$x+"-"+.b)}"#, r#"{"a":"1","b":"2"}"#, "1-2"),
        (r#"{k:(.body|fromjson|.id)}"#, r#"{"body":"{\"id\":\"x\"}"}"#, "x"),
        (r#".[0]|{k:.a}"#, r#"[{"a":"x"}]"#, "x"),
        ("{k:.a?}", r#"{"a":"x"}"#, "x"),
        ("{k:((.s|tonumber)*1000)}", r#"{"s":"2"}"#, "2000"),
        ("{k}", r#"{"k":"x"}"#, "x"),
    ] {
        let found = keys(query, record);
        assert_eq!(found, Ok(vec![("k".to_owned(), expected.to_owned())]), "{query}");
    }
    let wide: Vec<String> = (0..50).map(|at| format!("k{at}:.a")).collect();
    assert_eq!(keys(&format!("{{{}}}", wide.join(",")), r#"{"a":"x"}"#).unwrap().len(), 50);
}

#[test]
fn records_without_keys_are_refused() {
    for (query, record) in [
        ("{k:.a}", "no json"),
        ("{k:.a}", ""),
        ("{k:.a}", "{}"),
        ("{k:.a}", r#"{"a":null}"#),
        ("{k:.a}", r#"{"a":[1]}"#),
        ("{k:.a}", r#"{"a":{}}"#),
        ("{k:.a}", "1"),
        (".a", r#"{"a":"x"}"#),
        ("empty", "{}"),
        ("error", "{}"),
        ("{k:(.a|fromjson)}", r#"{"a":"["}"#),
    ] {
        let reason = keys(query, record).unwrap_err();
        assert_eq!(reason.code, "DynamicPartitioning.MetadataExtractionFailed", "{query} of {record}");
    }
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(keys("{k:.a}", &deep).is_err());
    assert!(keys("{k:(.a|fromjson)}", &format!(r#"{{"a":"{deep}"}}"#)).is_err());
}

#[test]
fn records_of_which_too_much_would_be_made_are_refused() {
    let record = |byte_count: usize| format!(r#"{{"a":"x","b":"{}"}}"#, " ".repeat(byte_count));
    let simple = "{k:.a}";
    assert!(keys(simple, &record(1_000_000)).is_ok());
    assert!(keys(simple, &record(1_100_000)).is_err());
    let pattern = r#"{k:(.b|gsub(" ";"")|length)}"#;
    assert_eq!(keys(pattern, &record(60_000)).unwrap()[0].1, "0");
    assert!(keys(pattern, &record(70_000)).is_err());
}

#[test]
fn expressions_whose_evaluation_is_not_bounded_are_refused() {
    let nested = format!("{}.{}", "[".repeat(2_000), "]".repeat(2_000));
    let doubling = vec!["[.,.]"; 100].join("|");
    let commas = vec!["(.,.)"; 100].join("|");
    let added = vec!["(.+.)"; 40].join("|");
    let piped = vec!["."; 2_000].join("|");
    for query in [
        "[range(1000000000000)]",
        "def f: 1 + f; f",
        "def f: f; {k:f}",
        "[repeat(1)]",
        "[recurse(.)]",
        "last(while(true;.))",
        "until(false;.)",
        "[limit(3;repeat(1))]",
        "reduce .[] as $x (.; . + .)",
        "foreach .[] as $x (0; .)",
        "label $f|1",
        "now",
        "{k:now}",
        "input",
        "[inputs]",
        "env",
        "$ENV",
        "halt",
        "debug",
        r#"{k:("x" * .n)}"#,
        r#"{k:("x" * 1000000000)}"#,
        "{k:(.s * 1000)}",
        ".a[1000000000] = 1",
        "{a:.[],b:.[]}",
        "[.[] as $x|.[] as $y|[$x,$y]]",
        ". as $r|[.[]|$r]|tojson",
        ". as $r|map($r)|tojson",
        "[combinations]",
        "transpose",
        r#".s|join(.)"#,
        "import \"a\" as a; 1",
        "include \"a\"; 1",
        "unknown_function",
        "{k:",
        "",
        &nested,
        &doubling,
        &commas,
        &added,
        &piped,
        &"x".repeat(5_121),
    ] {
        assert!(Query::new(query).is_err(), "{}", clip(query));
    }
}
