//! Tables of any size, filled by SQL: through the API ten million rows would take a quarter of an hour.
//!
//! Rows look as if the API had written them. Nobody asks for them meanwhile.

use std::path::Path;
use std::process::Command;

use crate::support::postgres::Cluster;

/// Rows that share a title (indexed) and a body (not indexed).
pub const ALIKE: u64 = 100;
const TIME: &str = "2026-01-01T00:00:00.000000000Z";

/// Adds entries `from..to` of the user `ada`.
pub fn fill_postgres(cluster: &Cluster, database: &str, from: u64, to: u64, titles: u64) {
    let sql = format!(
        r#"INSERT INTO trine."blog.v1.Entry" (key, parent, doc, version, schema_id, create_time, update_time,
               f_title, f_state, f_publish_time)
           SELECT 'ada/e' || lpad(n::text, 14, '0'), 'ada',
               jsonb_build_object('title', 'title ' || n % {titles}, 'body', 'body ' || n % {titles},
                   'tags', jsonb_build_array('one', 'two'), 'state', 'PUBLISHED',
                   'publishTime', '2026-01-01T00:00:00Z'),
               nextval('trine.version'), g.schema_id, '{TIME}', '{TIME}',
               'title ' || n % {titles}, 'PUBLISHED', '{TIME}'
           FROM trine.generation g, generate_series({from}, {last}) n"#,
        last = to - 1
    );
    cluster.sql_in(database, &sql);
    cluster.sql_in(database, "VACUUM ANALYZE");
}

/// The same on SQLite, by Python's own module: the program under test has no door for it.
pub fn fill_sqlite(file: &Path, from: u64, to: u64, titles: u64) {
    let script = format!(
        r#"
import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
schema, = base.execute('SELECT schema_id FROM trine_generation').fetchone()
version, = base.execute('SELECT coalesce(max(version), 0) FROM "blog.v1.Entry"').fetchone()
def rows():
    for n in range({from}, {to}):
        doc = ('{{"body":"body %d","publishTime":"2026-01-01T00:00:00Z","state":"PUBLISHED",'
               '"tags":["one","two"],"title":"title %d"}}' % (n % {titles}, n % {titles}))
        yield ('ada/e%014d' % n, 'ada', doc, version + n, schema, '{TIME}', '{TIME}', 'title %d' % (n % {titles}),
               'PUBLISHED', '{TIME}')
base.executemany('INSERT INTO "blog.v1.Entry" (key, parent, doc, version, schema_id, create_time, update_time,'
                 ' f_title, f_state, f_publish_time) VALUES (?,?,?,?,?,?,?,?,?,?)', rows())
base.commit()
base.execute('PRAGMA wal_checkpoint(TRUNCATE)')
"#
    );
    let filled = Command::new("python3").arg("-c").arg(script).arg(file).status().expect("python3 runs");
    assert!(filled.success(), "the table could not be filled");
}
