"""A delivery stream into an Iceberg table: pyiceberg is the catalog, which takes a commit only as the specification says,
and the reader."""

import base64
import json
import threading

from pyiceberg.io import load_file_io
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import CommitTableRequest, Table
from pyiceberg.table.metadata import new_table_metadata
from pyiceberg.table.sorting import UNSORTED_SORT_ORDER
from pyiceberg.table.update import update_table_metadata
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DoubleType, ListType, LongType, NestedField, StringType, TimestamptzType

from e2e_delivery import CATALOG, delivery, error_lines, put
from e2e_world import ACCESS_KEY, BUCKET, REGION, ROLE, SECRET_KEY, check, destination, equal, wait_for

SCHEMA = Schema(
    NestedField(1, "n", LongType(), required=True),
    NestedField(2, "day", StringType()),
    NestedField(3, "price", DoubleType()),
    NestedField(4, "seen", TimestamptzType()),
    NestedField(5, "tags", ListType(6, StringType(), element_required=False)),
)
BY_DAY = PartitionSpec(PartitionField(source_id=2, field_id=1000, transform=IdentityTransform(), name="day"))


class Catalog:
    """A REST catalog of the table web.clicks."""

    def __init__(self, location):
        properties = {"format-version": "2"}
        self.metadata = new_table_metadata(SCHEMA, BY_DAY, UNSORTED_SORT_ORDER, location, properties)
        self.lock, self.commits, self.lost = threading.Lock(), 0, 0

    def answer(self, request):
        equal(request.headers["authorization"], "Bearer a token")
        if request.path == "/catalog/v1/config":
            return 200, {"defaults": {}, "overrides": {}}
        equal(request.path, "/catalog/v1/namespaces/web/tables/clicks")
        with self.lock:
            if request.body:
                # A member that the specification asks for in transactions only, and this library always.
                identifier = {"namespace": ["web"], "name": "clicks"}
                return self.commit(CommitTableRequest.model_validate({"identifier": identifier, **request.json()}))
            return 200, self.table()

    def commit(self, request):
        for requirement in request.requirements:
            try:
                requirement.validate(self.metadata)
            except Exception as problem:
                error = {"message": str(problem), "type": "CommitFailedException", "code": 409}
                return 409, {"error": error}
        self.metadata = update_table_metadata(self.metadata, request.updates)
        self.commits += 1
        if self.commits == 1:
            # It is done, but nobody hears of it.
            self.lost += 1
            error = {"message": "lost", "type": "CommitStateUnknownException", "code": 500}
            return 500, {"error": error}
        return 200, self.table()

    def table(self):
        metadata = json.loads(self.metadata.model_dump_json())
        return {"metadata-location": f"{self.metadata.location}/metadata/now.json", "metadata": metadata, "config": {}}

    def rows(self, world):
        """What pyiceberg reads."""
        properties = {
            "s3.endpoint": world.s3.endpoint,
            "s3.access-key-id": ACCESS_KEY,
            "s3.secret-access-key": SECRET_KEY,
            "s3.region": REGION,
            "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
        }
        with self.lock:
            metadata = self.metadata
        table = Table(("web", "clicks"), metadata, "", load_file_io(properties), catalog=None)
        return table.scan().to_arrow().sort_by("n").to_pylist()


@check
def an_iceberg_table_has_each_row_once(world):
    catalog = Catalog(f"s3://{BUCKET}/warehouse/clicks")
    configuration = {
        "RoleARN": ROLE,
        "CatalogConfiguration": {"CatalogARN": CATALOG},
        "DestinationTableConfigurationList": [
            {"DestinationDatabaseName": "web", "DestinationTableName": "clicks"},
        ],
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
        "RetryOptions": {"DurationInSeconds": 300},
        "S3Configuration": destination("unused/", "clicks-errors/!{firehose:error-output-type}/"),
    }
    with world.peer.serving("catalog", catalog.answer):
        with delivery(world, "clicks", IcebergDestinationConfiguration=configuration):
            same = {"seen": "2026-11-23T08:30:00Z", "tags": ["ü", None]}
            records = [{"n": n, "day": f"2026-11-{20 + n % 3}", "price": n / 4, **same} for n in range(300)]
            put(world, "clicks", [*records[:200], {"day": "without n"}, {"n": "no number"}])
            wait_for("200 rows", lambda: len(catalog.rows(world)) >= 200)
            failed = error_lines(world, "clicks-errors/iceberg-failed/", 2)
            refused = [json.loads(base64.b64decode(line["rawData"])) for line in failed]
            equal(refused, [{"day": "without n"}, {"n": "no number"}])
            put(world, "clicks", records[200:])
            rows = wait_for("300 rows", lambda: catalog.rows(world) if catalog.commits > 1 else None)
            equal([row.pop("seen").isoformat() for row in rows], ["2026-11-23T08:30:00+00:00"] * 300)
            equal(rows, [{key: value for key, value in record.items() if key != "seen"} for record in records])
            # What was committed was found there, though the answer was lost.
            equal((catalog.lost, catalog.commits), (1, 2))
            paths = world.s3.keys("warehouse/clicks/data/")
            equal({path.split("/")[3] for path in paths}, {f"day=2026-11-{day}" for day in [20, 21, 22]})
