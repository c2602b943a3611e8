//! The catalog's metrics: their names stand here and nowhere else. Calls, latencies and faults, the core counts.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// What the catalog holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    /// Databases, of all accounts.
    pub(crate) databases: Gauge,
    /// Tables, of all accounts.
    pub(crate) tables: Gauge,
    /// Bytes of all of them, with the versions of the tables.
    pub(crate) stored_bytes: Gauge,
}

impl Metrics {
    /// Registers the metrics.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("ingest_glue");
        let metrics = Self::default();
        registry.register("databases", "Databases of the data catalog", metrics.databases.clone());
        registry.register("tables", "Tables of the data catalog", metrics.tables.clone());
        registry.register_with_unit(
            "stored",
            "Databases, tables and versions of tables as they are stored",
            Unit::Bytes,
            metrics.stored_bytes.clone(),
        );
        metrics
    }
}
