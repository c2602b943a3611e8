//! The JSON and CBOR readers: they agree with serde_json, with each other, and with their own writers; what is skipped is
//! read as strictly as what is wanted; depth is bounded.

use std::fmt;

use ingest_wire::{cbor_1_1, json_1_1};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Any value of either protocol.
#[derive(Clone, Debug, PartialEq)]
enum Any {
    Null,
    Bool(bool),
    Integer(i128),
    /// By its bits, so that a NaN is itself; a zero without its sign, which sonic-rs drops.
    Real(u64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Any>),
    Map(Vec<(String, Any)>),
}

impl Any {
    fn depth(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Map(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Whether JSON can say it.
    fn is_json(&self) -> bool {
        match self {
            Self::Bytes(_) => false,
            Self::Real(bits) => f64::from_bits(*bits).is_finite(),
            Self::List(items) => items.iter().all(Self::is_json),
            Self::Map(members) => members.iter().all(|(_, value)| value.is_json()),
            _ => true,
        }
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    fn visit_none<E>(self) -> Result<Any, E> {
        Ok(Any::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        Any::deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Any, D::Error> {
        Any::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
        Ok(Any::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
        Ok(Any::Real(if value == 0.0 { 0 } else { value.to_bits() }))
    }

    fn visit_str<E>(self, value: &str) -> Result<Any, E> {
        Ok(Any::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Any, E> {
        Ok(Any::Bytes(value.to_vec()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Any::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Any, A::Error> {
        let mut map = Vec::new();
        while let Some(member) = members.next_entry()? {
            map.push(member);
        }
        Ok(Any::Map(map))
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => match i64::try_from(*value) {
                Ok(value) => serializer.serialize_i64(value),
                Err(_) => serializer.serialize_u64(u64::try_from(*value).expect("it came as 64 bits")),
            },
            Self::Real(bits) => serializer.serialize_f64(f64::from_bits(*bits)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_bytes(bytes),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// A shape that wants one member and steps over all others.
#[derive(serde::Deserialize)]
struct Choosy {
    #[serde(rename = "Wanted")]
    _wanted: Option<IgnoredAny>,
}

fn is_choosy_about(map: &Any) -> bool {
    matches!(map, Any::Map(members) if members.iter().all(|(name, _)| name != "Wanted"))
}

pub(crate) fn json(input: &[u8]) {
    let ours = json_1_1::decode::<Any>(input);
    assert_eq!(json_1_1::decode::<IgnoredAny>(input).is_ok(), ours.is_ok(), "what is skipped is read as strictly");
    match (&ours, serde_json::from_slice::<Any>(input)) {
        (Ok(ours), Ok(theirs)) => assert_eq!(*ours, theirs),
        (Ok(ours), Err(error)) => panic!("serde_json refuses {ours:?}: {error}"),
        (Err(error), Ok(theirs)) => assert!(theirs.depth() > json_1_1::DEPTH_MAX, "{error}: {theirs:?}"),
        (Err(_), Err(_)) => {}
    }
    let Ok(value) = ours else { return };
    assert!(value.depth() <= json_1_1::DEPTH_MAX);
    if is_choosy_about(&value) {
        assert!(json_1_1::decode::<Choosy>(input).is_ok(), "members that nobody wants are stepped over");
    }
    round_trips(&value);
}

pub(crate) fn cbor(input: &[u8]) {
    let ours = cbor_1_1::decode::<Any>(input);
    let Ok(value) = ours else { return };
    assert!(cbor_1_1::decode::<IgnoredAny>(input).is_ok(), "what is read is skipped too");
    assert!(value.depth() <= cbor_1_1::DEPTH_MAX);
    if is_choosy_about(&value) {
        assert!(cbor_1_1::decode::<Choosy>(input).is_ok(), "members that nobody wants are stepped over");
    }
    round_trips(&value);
}

/// What was read is read again after it was written, in both protocols.
fn round_trips(value: &Any) {
    let written = cbor_1_1::encode(value).expect("every value has a form in CBOR");
    assert_eq!(cbor_1_1::decode::<Any>(&written).as_ref().ok(), Some(value));
    if value.is_json() && value.depth() <= json_1_1::DEPTH_MAX {
        let written = json_1_1::encode(value).expect("the value has a form in JSON");
        assert_eq!(json_1_1::decode::<Any>(&written).as_ref().ok(), Some(value));
    }
}

const DOCUMENTS: &[&str] = &[
    r#"{"StreamName":"clicks","ShardCount":2,"Tags":{"a":"b"},"List":[1,-2,3.5,1e300,true,false,null,""]}"#,
    r#"{"Escapes":"\u00e9\ud83d\ude00\n\"\\\/","Zero":-0.0,"Big":18446744073709551615,"Small":-9223372036854775808}"#,
    r#"[[],{},[[{"a":[{}]}]]] "#,
];

pub(crate) fn json_seeds() -> Vec<Vec<u8>> {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    let skipped = [br#"{"Unknown":"#.as_slice(), &nested(3_000), b"}"].concat();
    let documents = DOCUMENTS.iter().map(|document| document.as_bytes().to_vec());
    documents.chain([nested(64), nested(65), nested(4_000), vec![b'['; 8_000], skipped]).collect()
}

pub(crate) fn cbor_seeds() -> Vec<Vec<u8>> {
    let encoded = |document: &&str| {
        let value: Any = serde_json::from_str(document).expect("the document is JSON");
        cbor_1_1::encode(&value).expect("every value has a form in CBOR")
    };
    // Chunks, a tag, an indefinite list, single precision.
    let special = vec![
        0xbf, 0x61, b'a', 0x5f, 0x41, 1, 0x41, 2, 0xff, 0x61, b'b', 0x9f, 0xc1, 0x01, 0xfa, 0, 0, 0, 1, 0xff, 0xff,
    ];
    let deep = vec![0x81; 5_000];
    DOCUMENTS.iter().map(encoded).chain([special, deep]).collect()
}
