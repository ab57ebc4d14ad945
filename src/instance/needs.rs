//! What the databases of an instance need of its image: collations that indexes depend on, and extensions.
//!
//! Sources: PostgreSQL documentation, "Collation Support", `pg_collation`, `pg_database`, `pg_index`. PostgreSQL records no version
//! for `C`, `POSIX`, names that begin with `C.`, and the built-in provider: their order is that of the code points and cannot change.

use super::endpoint::Endpoint;
use super::error::InstanceError;
use super::limits::Limits;
use super::sql::{Login, Purpose, Row, Session};
use crate::model::{CollationProvider, DatabaseNeeds, SortedIndex};

const DATABASES: &str = "SELECT datname::text AS name FROM pg_database WHERE datallowconn ORDER BY datname";

/// Columns that older versions lack are read by way of JSON: they are null there.
const INDEXES: &str = "SELECT DISTINCT n.nspname || '.' || i.relname AS index, u.provider, u.version
  FROM pg_index x
  CROSS JOIN LATERAL unnest(x.indcollation) AS c(sorted_by)
  JOIN pg_collation l ON l.oid = c.sorted_by
  JOIN pg_database d ON d.datname = current_database()
  CROSS JOIN LATERAL (SELECT
    CASE l.collprovider WHEN 'd' THEN coalesce(to_jsonb(d)->>'datlocprovider', 'c') ELSE l.collprovider::text END AS provider,
    CASE l.collprovider WHEN 'd' THEN d.datcollate::text ELSE l.collcollate::text END AS locale,
    CASE l.collprovider WHEN 'd' THEN to_jsonb(d)->>'datcollversion' ELSE l.collversion END AS version) u
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_namespace n ON n.oid = i.relnamespace
  WHERE u.provider = 'i' OR u.provider = 'c' AND NOT (upper(u.locale) IN ('C', 'POSIX') OR upper(u.locale) LIKE 'C.%')
  ORDER BY 1";

const EXTENSIONS: &str = "SELECT extname::text AS name, extversion::text AS version FROM pg_extension ORDER BY extname";

/// Asks every database that takes connections. The login's own database is asked for their names.
pub async fn database_needs(limits: &Limits, endpoint: &Endpoint, login: &Login) -> Result<Vec<DatabaseNeeds>, InstanceError> {
    let session = Session::connect(limits, endpoint, login, Purpose::Facts).await?;
    let names = session.rows(DATABASES, &[]).await;
    session.close().await;
    let mut needs = Vec::new();
    for name in names?.iter().filter_map(|row| row.get("name")) {
        let login = Login { database: name.to_owned(), ..login.clone() };
        let session = Session::connect(limits, endpoint, &login, Purpose::Facts).await?;
        let read = async {
            let indexes = session.rows(INDEXES, &[]).await?;
            Ok(DatabaseNeeds {
                database: name.to_owned(),
                indexes: indexes.iter().filter_map(sorted).collect(),
                extensions: session.rows(EXTENSIONS, &[]).await?.iter().filter_map(extension).collect(),
            })
        }
        .await;
        session.close().await;
        needs.push(read?);
    }
    Ok(needs)
}

fn sorted(row: &Row) -> Option<SortedIndex> {
    Some(SortedIndex {
        index: row.get("index")?.to_owned(),
        provider: if row.get("provider") == Some("i") { CollationProvider::Icu } else { CollationProvider::Libc },
        version: row.get("version").map(str::to_owned),
    })
}

fn extension(row: &Row) -> Option<(String, String)> {
    Some((row.get("name")?.to_owned(), row.get("version")?.to_owned()))
}
