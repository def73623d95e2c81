"""Reading and writing one event table, by interval.

Reading binds its parameters as local settings, so that ADBC can fetch by COPY, which takes no parameters of its own:
twice as fast as a query with ``$1`` (docs/decisions/0002). Writing replaces an interval's rows in one transaction
under an advisory lock, so that a second try, or twelve at once, leave exactly one copy.

A row lies in an interval when its time is finite and of the years 1 to 9999; PostgreSQL's ``infinity``, BC and later
years lie in none, nor does a row without a time. :meth:`Rows.span` passes them over, :meth:`Rows.outside` counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from heliotrope.database import Database, lock_key
from heliotrope.errors import DataError, SchemaError, nearest
from heliotrope.interval import ORIGIN, Interval, format_time
from heliotrope.locks import SILENT, milliseconds, waited_for
from heliotrope.sql import statement
from heliotrope.store.part import Part, Reach, name_of, text_of
from heliotrope.store.relation import Relation, describe, parse_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EARLIEST", "LATEST", "Gap", "Rows"]

T = TypeVar("T")

_START = sql.SQL("(SELECT current_setting('heliotrope.start')::timestamptz)")
_END = sql.SQL("(SELECT current_setting('heliotrope.end')::timestamptz)")
_ZONE = sql.SQL("(SELECT current_setting('heliotrope.zone'))")
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"  # whatever the database's default is
_TIMES = ("timestamptz", "timestamp", "date")
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
"""Between these lie the rows that are in an interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """The longest stretch of intervals without a row between two that hold some."""

    last: datetime
    """The time of the last row before it."""
    next: datetime
    """The time of the first row after it."""
    empty: int
    """How many intervals it is long."""
    filled: int
    """How many intervals hold rows, on both sides."""
    rows_before: int
    rows_after: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """How many rows of an interval were written, and how many deleted to make place for them."""

    written: int
    deleted: int


class Rows:
    """The rows of one table or view, read and written by interval over one ADBC connection.

    ``time_zone`` places a time column that has no zone of its own (``timestamp``, ``date``). With ``part`` only the
    rows of one segment are there.
    """

    def __init__(
        self, database: Database, table: str, time: str, *, time_zone: str = "UTC", part: Part | None = None
    ) -> None:
        self.database = database
        self.table = table
        self.time = time
        self.time_zone = time_zone
        self.part = part
        self._relation: Relation | None = None
        self._deletes: str | None = None
        self._arrow: Any = None

    def close(self) -> None:
        """Give the connection back. The next call opens another."""
        arrow, self._arrow = self._arrow, None
        self._relation = self._deletes = None
        if arrow is not None:
            with self.database.errors():
                arrow.close()

    @property
    def relation(self) -> Relation:
        """What the catalogue says of the table; asked once. Raises SchemaError when it is not there or unusable."""
        if self._relation is None:
            with self.database.errors(), self.database.connect() as connection:
                relation = describe(connection, self.table)
                if relation is None:
                    known = [row[0] for row in connection.execute(statement("list_tables"))]
                    remedy = nearest(self.table, known) if known else "load rows with `heliotrope load`"
                    raise SchemaError(f"there is no table or view {self.table!r}", remedy=remedy)
                self._check_zone(connection)
            column = relation.column(self.time)
            if column.type not in _TIMES:
                raise SchemaError(
                    f"{relation}.{self.time} is of type {column.type}, not a time",
                    remedy="name a timestamptz, timestamp or date column, or make a view that has one",
                )
            self._relation = relation
        return self._relation

    def _check_zone(self, connection: Any) -> None:
        known = connection.execute(
            "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = %s)", [self.time_zone]
        ).fetchone()
        if self.time_zone != "UTC" and not known[0]:
            raise SchemaError(f"PostgreSQL knows no time zone {self.time_zone!r}", remedy="write it as Europe/Berlin")

    def read(self, start: datetime, end: datetime, columns: Sequence[str]) -> pa.Table:
        """The rows of ``[start, end)`` in no particular order: the time as timestamp[us, UTC], then ``columns``."""
        chosen = [self.time_output(), *(self.output(name) for name in columns)]
        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.SQL(", ").join(chosen), self.name, self.within())

        return self.fetch(query, start, end)

    def fetch(self, query: sql.Composed, start: datetime, end: datetime, *, quota: str = "[]") -> pa.Table:
        """What a query that binds :meth:`within` and ``heliotrope.quota`` gives for ``[start, end)``."""

        def copied(seconds: float) -> pa.Table:
            with self._cursor() as (cursor, _):
                cursor.execute(
                    "SELECT set_config('heliotrope.start', $1, true), set_config('heliotrope.end', $2, true),"
                    " set_config('heliotrope.zone', $3, true), set_config('lock_timeout', $4, true),"
                    " set_config('heliotrope.quota', $5, true)",
                    (start.isoformat(), end.isoformat(), self.time_zone, milliseconds(seconds), quota),
                )
                cursor.fetchall()
                cursor.execute(query.as_string())
                return cursor.fetch_arrow_table()

        table = self._waited_for(copied)
        # ADBC describes PostgreSQL's types in the fields' metadata; a batch is compared without it.
        return table.cast(pa.schema([pa.field(field.name, field.type) for field in table.schema]))

    def span(self, *, end: datetime = LATEST, seconds: float | None = None) -> tuple[datetime, datetime] | None:
        """The time of the first and of the last row before ``end`` that lies in an interval; None when there is none.

        With ``seconds`` a lock is waited for no longer than that, and the answer not much longer. Raises DatabaseError
        then.
        """
        # The bare column's, so that its index serves.
        low, high = self._ask("SELECT {first}, {last} FROM {table} WHERE {within}", end=end, seconds=seconds)[0]
        return None if low is None else (low, high)

    def outside(self, *, seconds: float | None = None) -> int:
        """How many rows lie in no interval: without a time, or of one that is infinite or not of the years 1 to 9999.

        ``seconds`` as in :meth:`span`.
        """
        return int(self._ask("SELECT count(*) FROM {table} WHERE {outside}", seconds=seconds)[0][0])

    def gap(self, step: timedelta, start: datetime, end: datetime) -> Gap | None:
        """The longest gap between the rows of ``[start, end)``; None where every interval between them holds some."""
        found = self._ask(statement("longest_gap"), start=start, end=end, step=step)
        if not found:
            return None
        last, following, empty, filled, before, after = found[0]
        return Gap(
            last=last, next=following, empty=int(empty), filled=filled, rows_before=int(before), rows_after=int(after)
        )

    def reaches(self, column: str) -> tuple[Reach, ...]:
        """Every segment that the values of a column make, with its first and last time, in one pass over the rows."""
        query = sql.SQL(statement("reaches")).format(
            text=text_of(self.relation, column), table=self.name, when=self.time_value(), within=self.within()
        )
        found = self.ask(query, EARLIEST, LATEST)
        return tuple(Reach(name_of(value), first, last, int(rows)) for value, first, last, rows in found)

    def _ask(
        self,
        query: LiteralString,
        *,
        start: datetime = EARLIEST,
        end: datetime = LATEST,
        step: timedelta = timedelta(),
        seconds: float | None = None,
    ) -> list[Any]:
        """The answer to a question about the rows of ``[start, end)``."""
        composed = sql.SQL(query).format(
            table=self.name,
            first=self._instant(sql.SQL("min({})").format(sql.Identifier(self.time)), self.time),
            last=self._instant(sql.SQL("max({})").format(sql.Identifier(self.time)), self.time),
            when=self.time_value(),
            within=self.within(),
            outside=self._outside(),
            step=sql.Literal(step),
            origin=sql.Literal(ORIGIN),
        )

        return self.ask(composed, start, end, seconds=seconds)

    def ask(self, query: sql.Composed, start: datetime, end: datetime, *, seconds: float | None = None) -> list[Any]:
        """The rows of a small answer to a query that binds :meth:`within`; ``seconds`` as in :meth:`span`."""

        def answered(lock_seconds: float) -> list[Any]:
            with self.database.errors(), self.database.connect() as connection:
                connection.execute(
                    "SELECT set_config('heliotrope.start', %s, true), set_config('heliotrope.end', %s, true),"
                    " set_config('heliotrope.zone', %s, true), set_config('lock_timeout', %s, true)",
                    [start.isoformat(), end.isoformat(), self.time_zone, milliseconds(lock_seconds)],
                )
                if seconds is not None:
                    connection.execute("SELECT set_config('statement_timeout', %s, true)", [milliseconds(seconds + 1)])
                return connection.execute(query).fetchall()

        return self._waited_for(answered) if seconds is None else answered(seconds)

    def _waited_for(self, take: Callable[[float], T], key: int | None = None) -> T:
        what = f"the lock on {self.relation}"
        return waited_for(self.database, what, take, key=key, relation=self.name.as_string())

    def replace(self, interval: Interval, table: pa.Table) -> Replaced:
        """Make ``table`` the interval's rows, in place of those there; how many that is, and how many those were.

        The table is made when there is none. Raises DataError when a row's time is outside the interval, absent or
        without a zone.
        """
        self._check_times(interval, table)
        self.ensure(table.schema)
        relation = self.relation
        rows = self._as_stored(table)
        key = lock_key("rows", str(relation), format_time(interval.start))

        def write(seconds: float) -> Replaced:
            # One text of three statements, in one round trip. Reading what is committed, the last sees what the lock's
            # former holder has written, where a snapshot taken before the lock was had would not.
            begin = (
                f"{_BEGIN}; SELECT set_config('lock_timeout', '{milliseconds(seconds)}', true),"
                f" pg_advisory_xact_lock({key}), set_config('heliotrope.start', '{interval.start.isoformat()}', true),"
                f" set_config('heliotrope.end', '{interval.end.isoformat()}', true), {self._delete}"
            )
            with self._cursor(begin, seconds) as (cursor, deleted):
                if rows.num_rows:
                    cursor.adbc_ingest(relation.name, rows, mode="append", db_schema_name=relation.schema)
                    self._refuse_lost(cursor, interval, rows.num_rows)
            return Replaced(written=rows.num_rows, deleted=deleted)

        return self._waited_for(write, key)

    @property
    def _delete(self) -> str:
        """How the text that empties an interval ends; the same for all of them, and slow to put together."""
        if self._deletes is None:
            text = sql.SQL("set_config('heliotrope.zone', {}, true); DELETE FROM {} WHERE {}")
            self._deletes = text.format(self.time_zone, self.name, self.within()).as_string()
        return self._deletes

    def _refuse_lost(self, cursor: Any, interval: Interval, written: int) -> None:
        """Refuse rows that triggers or the time column's type drop, or move to where no load finds them."""
        column = self.relation.column(self.time)
        is_kept = column.type == "timestamptz" and column.precision is None
        if is_kept and self.relation.is_plain:
            return
        cursor.execute(sql.SQL("SELECT count(*) FROM {} WHERE {}").format(self.name, self.within()).as_string())
        found = int(cursor.fetchone()[0])
        if found != written and is_kept:
            raise DataError(
                f"of {written} rows written into {interval} {self.relation} holds {found}: its triggers drop "
                "or move rows; nothing of it was written",
                remedy="load into a table without them, or fill this one by other means",
            )
        if found != written:
            precise = column.type if column.precision is None else f"{column.type}({column.precision})"
            raise DataError(
                f"{self.relation}.{self.time} is of type {precise}, which moves {abs(written - found)} of {written} "
                f"rows of {interval} into another interval; nothing of it was written",
                remedy="load into a timestamptz column: it alone keeps every instant, that of summer time's end too",
            )

    def ensure(self, schema: pa.Schema) -> None:
        """Make the table, with an index on its time, when there is none. Safe for any number of callers at once."""
        if self._relation is not None:
            return
        with self.database.errors(), self.database.connect() as connection:
            if describe(connection, self.table) is not None:
                return
            # Two sessions at once would both pass IF NOT EXISTS, and one fail in the catalogue.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [lock_key("table", self.table)])
            if describe(connection, self.table) is None:
                where, name = parse_name(self.table)
                if where is not None:
                    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(where)))
                table = sql.Identifier(*((where, name) if where else (name,)))
                columns = [
                    sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_definition(field, self.time)))
                    for field in schema
                ]
                connection.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns)))
                connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(table, sql.Identifier(self.time)))

    def _check_times(self, interval: Interval, table: pa.Table) -> None:
        if self.time not in table.column_names:
            raise DataError(
                f"the rows have no time column {self.time!r}", remedy=nearest(self.time, table.column_names)
            )
        times = table.column(self.time)
        if not _is_zoned(times.type):
            raise DataError(
                f"the times in {self.time!r} are of type {times.type}, without a zone",
                remedy="cast them to timestamp[us, UTC]",
            )
        if times.null_count:
            raise DataError(f"{times.null_count} rows have no time in {self.time!r}", remedy="drop or mend them")
        if not table.num_rows:
            return
        instants = times.to_numpy()
        low, high = (
            time.astype("datetime64[us]").item().replace(tzinfo=UTC) for time in (instants.min(), instants.max())
        )
        if low not in interval or high not in interval:
            raise DataError(
                f"rows from {format_time(low)} to {format_time(high)} do not lie in {interval}",
                remedy="write each interval's rows by themselves",
            )

    def _as_stored(self, table: pa.Table) -> pa.Table:
        """The rows in the order and the types of the stored table's columns, which COPY wants exactly."""
        known = [column.name for column in self.relation.columns]
        if [(field.name, field.type) for field in table.schema] == [
            (column.name, column.arrow) for column in self.relation.columns
        ]:
            return table
        arrays, fields = [], []
        for name in table.column_names:
            column = self.relation.column(name)
            if column.arrow is None:
                raise SchemaError(
                    f"{self.relation}.{name} is of type {column.type}, which cannot be loaded into",
                    remedy="use a column of a number, text, bool or time type",
                )
            values = table[name]
            try:
                local = not _is_zoned(column.arrow) and (name == self.time or pa.types.is_date(column.arrow))
                if local and _is_zoned(values.type):
                    values = pc.local_timestamp(values.cast(pa.timestamp("us", self.time_zone)))
                if pa.types.is_boolean(column.arrow) and not pa.types.is_boolean(values.type):
                    _refuse_half_truths(values)
                arrays.append(values.cast(column.arrow))
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise SchemaError(
                    f"{self.relation}.{name} is of type {column.type}: {error}",
                    remedy="load into a table whose types fit, or mend the rows",
                ) from None
            fields.append(pa.field(name, column.arrow))
        rows = pa.table(arrays, schema=pa.schema(fields))
        return rows.select([name for name in known if name in rows.column_names])

    @contextmanager
    def _cursor(self, begin: str = _BEGIN, seconds: float = 0.0) -> Iterator[tuple[Any, int]]:
        """A cursor in a transaction of its own: committed at the end, undone when anything fails.

        ``begin`` opens the transaction and may hold more statements, which may wait for so many seconds; with the
        cursor comes how many rows the last met.
        """
        _ = self.relation
        with self.database.errors():
            if self._arrow is None:
                # The driver's own transactions begin with a round trip that ours save.
                self._arrow = self.database.connect_arrow(autocommit=True)
            try:
                with self._arrow.cursor() as cursor:
                    yield cursor, (_told if seconds <= SILENT else _told_or_stopped)(cursor, begin)
                    _told(cursor, "COMMIT")
            except BaseException:
                # Closing ends the transaction whatever state it is in, and the server's.
                arrow, self._arrow = self._arrow, None
                # The table may have become another.
                self._relation = self._deletes = None
                arrow.close()
                raise

    @property
    def name(self) -> sql.Identifier:
        """The table, as SQL names it."""
        return sql.Identifier(self.relation.schema, self.relation.name)

    def time_value(self) -> sql.Composed:
        """The time column as a timestamptz."""
        return self.instant(self.time)

    def instant(self, column: str) -> sql.Composed:
        """A column of times as a timestamptz."""
        return self._instant(sql.Identifier(column), column)

    def _instant(self, value: sql.Composable, column: str) -> sql.Composed:
        """A value of the column's type as a timestamptz."""
        if self.relation.column(column).type == "timestamptz":
            return sql.Composed([value])
        return sql.SQL("({}::timestamp AT TIME ZONE {})").format(value, _ZONE)

    def time_output(self) -> sql.Composed:
        """The time column as a batch has it."""
        return sql.SQL("{} AS {}").format(self.time_value(), sql.Identifier(self.time))

    def output(self, name: str) -> sql.Composed:
        """Another column as a batch has it."""
        cast = self.relation.column(name).cast
        if cast is None:
            return sql.Composed([sql.Identifier(name)])
        return sql.SQL("{0}::{1} AS {0}").format(
            sql.Identifier(name), sql.SQL("float8" if cast == "float8" else "text")
        )

    def within(self) -> sql.Composed:
        """``[start, end)`` on the bare column, so that its index serves.

        In a time zone with summer time a local time may come twice, or never: what PostgreSQL takes it for decides, and
        the bare column, a day around, only serves the index.
        """
        name, (low, high) = sql.Identifier(self.time), self._bounds()
        if self._is_instant:
            return self._of_part(sql.SQL("{0} >= {1} AND {0} < {2}").format(name, low, high))
        return self._of_part(
            sql.SQL(
                "{0} >= {1} - interval '25 hours' AND {0} < {2} + interval '25 hours' AND {3} >= {4} AND {3} < {5}"
            ).format(name, low, high, self.time_value(), _START, _END)
        )

    def _of_part(self, condition: sql.Composed) -> sql.Composed:
        """The condition, and that a row is of the segment, where it is the rows of one."""
        if self.part is None:
            return condition
        return sql.SQL("{} AND {}").format(condition, self.part.condition(self.relation))

    @property
    def _is_instant(self) -> bool:
        """Whether a time of the column is one instant, and later times are later instants."""
        return self.relation.column(self.time).type == "timestamptz" or self.time_zone == "UTC"

    def _outside(self) -> sql.Composed:
        """What :meth:`within` leaves out, in terms that the index serves too."""
        name = sql.Identifier(self.time)
        return self._of_part(sql.SQL("({0} < {1} OR {0} >= {2} OR {0} IS NULL)").format(name, *self._bounds()))

    def _bounds(self) -> tuple[sql.Composable, sql.Composable]:
        if self.relation.column(self.time).type == "timestamptz":
            return _START, _END
        low, high = (sql.SQL("(SELECT {} AT TIME ZONE {})").format(bound, _ZONE) for bound in (_START, _END))
        return low, high


def _told(cursor: Any, text: str) -> int:
    """Run statements in one round trip; how many rows the last met, which ``executescript`` does not say."""
    cursor.adbc_statement.set_sql_query(text)
    return int(cursor.adbc_statement.execute_update())


def _told_or_stopped(cursor: Any, text: str) -> int:
    """The same, which Ctrl-C ends: for what may wait long. The driver hears of no signal here."""
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(_told, cursor, text)
        try:
            return told.result()
        except KeyboardInterrupt:
            cursor.adbc_cancel()
            raise


def _refuse_half_truths(values: pa.ChunkedArray) -> None:
    """Raises ArrowInvalid for a number that is neither 0 nor 1, which a cast would take for true."""
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        odd = values.filter(pc.invert(pc.is_in(values, pa.array([0, 1]).cast(values.type))))
        odd = odd.drop_null()
        if len(odd):
            raise pa.ArrowInvalid(f"{odd[0]} is neither true nor false")


def _is_zoned(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.tz is not None


def _definition(field: pa.Field, time: str) -> str:
    """The column that `ensure` makes for an Arrow field."""
    kind = field.type
    if field.name == time:
        return "timestamptz NOT NULL"
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "bigint"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "double precision"
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return "text"
    raise SchemaError(
        f"column {field.name!r} is of type {kind}, for which there is no PostgreSQL column",
        remedy="leave it out, or turn it into a number, a text or a time",
    )
