package postgres

import (
	"strconv"
	"strings"
)

// statements are the SQL of one table. Keys are bytea, so that their order is
// the order of bytes whatever the database's collation. Versions come from a
// sequence, which gives no number twice, not even after a rollback.
type statements struct {
	create, format      string
	get, update, remove string
	claim, number       string // the two halves of creating a key
	page                string
	rewrite             string
}

func statementsOf(table string) statements {
	fill := strings.NewReplacer("TABLE_NAME", table, "FORMAT", "facet "+strconv.Itoa(Format)).Replace
	return statements{
		format: fill("FORMAT"),
		create: fill(`
			CREATE SEQUENCE TABLE_NAME_versions;
			CREATE TABLE TABLE_NAME (
				key bytea PRIMARY KEY,
				version bigint NOT NULL,
				value bytea NOT NULL
			) WITH (fillfactor = 80);
			COMMENT ON TABLE TABLE_NAME IS 'FORMAT'`),
		get:     fill(`SELECT value, version FROM TABLE_NAME WHERE key = $1`),
		claim:   fill(`INSERT INTO TABLE_NAME (key, version, value) VALUES ($1, 0, $2) ON CONFLICT (key) DO NOTHING`),
		number:  fill(`UPDATE TABLE_NAME SET version = nextval('TABLE_NAME_versions') WHERE key = $1 AND version = 0 RETURNING version`),
		update:  fill(`UPDATE TABLE_NAME SET value = $3, version = nextval('TABLE_NAME_versions') WHERE key = $1 AND version = $2 RETURNING version`),
		remove:  fill(`DELETE FROM TABLE_NAME WHERE key = $1 AND version = $2`),
		page:    fill(`SELECT key FROM TABLE_NAME WHERE key > $1 AND key >= $2 AND ($3::bytea IS NULL OR key < $3) ORDER BY key LIMIT $4`),
		rewrite: fill(`VACUUM FULL TABLE_NAME`),
	}
}
