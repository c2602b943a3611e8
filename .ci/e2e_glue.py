"""Tables made with the Glue client: what is told of them, and the Parquet files of delivery streams that name one."""

import json

import duckdb

from e2e_world import ROLE, check, destination, equal, expect_error, wait_for

COLUMNS = [("id", "bigint"), ("small", "int"), ("price", "double"), ("path", "string"), ("ok", "boolean")]
COLUMNS += [("tags", "array<string>"), ("at", "struct<x:int,y:string>"), ("day", "date"), ("seen", "timestamp")]
# The same columns as DuckDB reads them.
TYPES = ["BIGINT", "INTEGER", "DOUBLE", "VARCHAR", "BOOLEAN", "VARCHAR[]", "STRUCT(x INTEGER, y VARCHAR)", "DATE"]
TYPES += ["TIMESTAMP WITH TIME ZONE"]


def table_input(columns, name="Clicks"):
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet"},
        "PartitionKeys": [{"Name": "year", "Type": "string"}],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
            "Location": "s3://lake/clicks/",
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        },
    }


def create_delivery(world, name, **schema):
    world.firehose.create_delivery_stream(
        DeliveryStreamName=name,
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration=table_destination(name, **schema),
    )
    world.wait_until_active(name)


def table_destination(name, **schema):
    return destination(
        f"{name}/",
        f"{name}-errors/",
        DataFormatConversionConfiguration={
            "Enabled": True,
            "SchemaConfiguration": {"RoleARN": ROLE, **schema},
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
        },
    )


def put(world, name, number):
    """A record with a value for every column there may be."""
    record = {"id": number, "small": 2, "price": 1.5, "path": "/a", "ok": True, "tags": ["x", None], "added": "new"}
    record |= {"at": {"x": 1, "y": "z"}, "day": "2026-11-23", "seen": "2026-11-23T08:30:00Z", "beside": [1]}
    world.firehose.put_record(DeliveryStreamName=name, Record={"Data": json.dumps(record).encode()})


def file_types(world, name, count):
    """The columns of each Parquet file of a delivery stream, in the order of their ids."""
    world.parquet_rows(f"{name}/", count)
    files = sorted((world.work / "parquet" / name).iterdir())
    relations = [duckdb.read_parquet(str(path)) for path in files]
    relations.sort(key=lambda relation: relation.aggregate("min(id)").fetchall())
    return [list(zip(relation.columns, map(str, relation.types))) for relation in relations]


EXPECTED = [(name, kind) for (name, _), kind in zip(COLUMNS, TYPES)]


@check
def glue_tells_what_it_was_given(world):
    glue = world.headwater.client("glue")
    glue.create_database(DatabaseInput={"Name": "Web", "Description": "what people do"})
    equal(glue.get_database(Name="web")["Database"]["Description"], "what people do")
    glue.create_table(DatabaseName="web", TableInput=table_input(COLUMNS))
    told = glue.get_table(DatabaseName="WEB", Name="CLICKS")["Table"]
    given = table_input(COLUMNS, "clicks")
    given["StorageDescriptor"]["Columns"] = [{"Name": name, "Type": kind} for name, kind in COLUMNS]
    equal({member: told[member] for member in given}, given)
    equal((told["DatabaseName"], told["VersionId"], told["CatalogId"]), ("web", "0", "123456789012"))
    expect_error("AlreadyExistsException", 400, glue.create_database, DatabaseInput={"Name": "web"})
    message = expect_error("EntityNotFoundException", 400, glue.get_table, DatabaseName="web", Name="views")
    equal(message, "Table views not found.")
    # An exception of this type is what clients look for.
    try:
        glue.get_table(DatabaseName="shop", Name="clicks")
        raise AssertionError("there is no such database")
    except glue.exceptions.EntityNotFoundException as error:
        equal(error.response["Error"]["Message"], "Database shop not found.")
    pages = glue.get_paginator("get_databases").paginate(PaginationConfig={"PageSize": 1})
    equal([database["Name"] for page in pages for database in page["DatabaseList"]], ["web"])


@check
def aws_cli_reads_the_catalog(world):
    tables = world.aws("glue", "get-tables", "--database-name", "web", "--expression", "cl.*")["TableList"]
    equal([table["Name"] for table in tables], ["clicks"])
    refused = world.aws_raw("glue", "get-table", "--database-name", "web", "--name", "views")
    assert "EntityNotFoundException" in refused.stderr and refused.returncode != 0, refused


@check
def records_become_parquet_with_the_columns_of_the_table(world):
    create_delivery(world, "tracked", DatabaseName="web", TableName="clicks")
    create_delivery(world, "pinned", DatabaseName="Web", TableName="Clicks", VersionId="0", Region="us-east-1")
    for name in ["tracked", "pinned"]:
        put(world, name, 1)
        equal(file_types(world, name, 1), [EXPECTED])
    rows = world.parquet_rows("tracked/", 1).project("* EXCLUDE (day, seen), strftime(day, '%Y-%m-%d'), epoch_ms(seen)")
    values = (1, 2, 1.5, "/a", True, ["x", None], {"x": 1, "y": "z"}, "2026-11-23", 1795422600000)
    equal(rows.fetchall(), [values])
    equal(world.s3.keys("tracked-errors/"), [])


@check
def later_records_have_a_column_that_is_added_unless_the_version_is_pinned(world):
    glue = world.headwater.client("glue")
    added = COLUMNS + [("added", "string")]
    glue.update_table(DatabaseName="web", TableInput=table_input(added), VersionId="0")
    arguments = {"DatabaseName": "web", "TableInput": table_input(COLUMNS), "VersionId": "0"}
    message = expect_error("ConcurrentModificationException", 400, glue.update_table, **arguments)
    equal(message, "Update table failed due to concurrent modifications.")
    for name in ["tracked", "pinned"]:
        put(world, name, 2)
    equal(file_types(world, "tracked", 2), [EXPECTED, EXPECTED + [("added", "VARCHAR")]])
    equal(file_types(world, "pinned", 2), [EXPECTED, EXPECTED])
    versions = glue.get_table_versions(DatabaseName="web", TableName="clicks")["TableVersions"]
    equal([version["VersionId"] for version in versions], ["1", "0"])


@check
def a_delivery_stream_without_its_table_is_refused(world):
    arguments = {"DeliveryStreamName": "lost", "DeliveryStreamType": "DirectPut"}
    for schema in [{"TableName": "views"}, {"TableName": "clicks", "VersionId": "7"}]:
        configuration = table_destination("lost", DatabaseName="web", **schema)
        message = expect_error(
            *["InvalidArgumentException", 400, world.firehose.create_delivery_stream],
            **arguments,
            ExtendedS3DestinationConfiguration=configuration,
        )
        assert "not found" in message, message


@check
def killed_and_started_again_it_has_its_tables(world):
    glue = world.headwater.client("glue")
    for number in range(20):
        glue.create_table(DatabaseName="web", TableInput=table_input([("id", "int")], f"t{number:02}"))
    world.headwater.kill()
    world.headwater.start()
    glue = world.headwater.client("glue")
    pages = glue.get_paginator("get_tables").paginate(DatabaseName="web", PaginationConfig={"PageSize": 7})
    names = [table["Name"] for page in pages for table in page["TableList"]]
    equal(names, ["clicks"] + [f"t{number:02}" for number in range(20)])
    equal(glue.get_table_version(DatabaseName="web", TableName="clicks", VersionId="0")["TableVersion"]["VersionId"], "0")


@check
def a_table_that_is_deleted_leaves_its_columns_to_its_delivery_streams(world):
    glue = world.headwater.client("glue")
    glue.delete_database(Name="web")
    expect_error("EntityNotFoundException", 400, glue.get_tables, DatabaseName="web")
    put(world, "tracked", 3)
    equal(file_types(world, "tracked", 3)[2:], [EXPECTED + [("added", "VARCHAR")]])
    for name in ["tracked", "pinned"]:
        world.firehose.delete_delivery_stream(DeliveryStreamName=name)
    gone = lambda: world.firehose.list_delivery_streams()["DeliveryStreamNames"] == []  # noqa: E731
    wait_for("deletion", gone)
