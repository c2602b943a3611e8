//! [`MapOnly`]: a structure is a map on the wire, never a list of its members in their order.

use std::fmt;

use serde::de::{MapAccess, Visitor};

/// Refuses everything but maps. serde's own structures would also take `["clicks", 2]` for
/// `{"StreamName": "clicks", "ShardCount": 2}`, which no AWS service does.
pub(crate) struct MapOnly<V>(pub(crate) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for MapOnly<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(members)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use crate::Protocol;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Point {
        x: u32,
        y: Option<u32>,
    }

    #[test]
    fn a_list_is_no_structure() {
        for protocol in [Protocol::Json11, Protocol::Cbor11] {
            let list = protocol.encode(&[1, 2]).unwrap();
            let error = protocol.decode::<Point>(&list).unwrap_err();
            assert!(error.to_string().contains("expected struct Point"), "{error}");
            let nested = protocol.encode(&[[1, 2]]).unwrap();
            assert!(protocol.decode::<Vec<Point>>(&nested).is_err());
            let map = protocol.encode(&Point { x: 1, y: None }).unwrap();
            assert_eq!(protocol.decode::<Point>(&map), Ok(Point { x: 1, y: None }));
        }
    }
}
