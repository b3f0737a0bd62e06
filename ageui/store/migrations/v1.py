"""Schema 1: the first one."""

STATEMENTS = (
    """
    CREATE TABLE data_set (
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        spec TEXT NOT NULL,
        added_at TEXT NOT NULL,
        PRIMARY KEY (id),
        UNIQUE (name)
    )
    """,
    """
    CREATE TABLE item_set (
        hash TEXT NOT NULL,
        n INTEGER NOT NULL,
        split TEXT NOT NULL,
        target TEXT NOT NULL,
        data_name TEXT NOT NULL,
        items BLOB NOT NULL,
        PRIMARY KEY (hash)
    )
    """,
    """
    CREATE TABLE run (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        status TEXT NOT NULL,
        source TEXT NOT NULL,
        config TEXT NOT NULL,
        config_hash TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        created_at TEXT NOT NULL,
        started_at TEXT,
        ended_at TEXT,
        error TEXT,
        note TEXT,
        data_spec TEXT NOT NULL,
        data_hash TEXT,
        manifest TEXT,
        splits TEXT,
        CONSTRAINT status_known CHECK (status IN (
            'queued', 'running', 'paused', 'done', 'diverged', 'failed', 'cancelled', 'interrupted'
        )),
        CONSTRAINT config_json CHECK (json_valid(config)),
        UNIQUE (name)
    )
    """,
    "CREATE INDEX run_config_hash ON run (config_hash)",
    "CREATE INDEX run_status ON run (status)",
    """
    CREATE TABLE attempt (
        run_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        outcome TEXT,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        manifest TEXT,
        reason TEXT,
        PRIMARY KEY (run_id, number),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE checkpoint (
        run_id INTEGER NOT NULL,
        kind TEXT NOT NULL,
        step INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        path TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        PRIMARY KEY (run_id, kind, step),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE metric (
        run_id INTEGER NOT NULL,
        key TEXT NOT NULL,
        step INTEGER NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (run_id, key, step),
        CONSTRAINT value_number CHECK (typeof(value) <> 'text' OR value = 'nan'),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE result (
        run_id INTEGER NOT NULL,
        split TEXT NOT NULL,
        n INTEGER NOT NULL,
        mae REAL NOT NULL,
        mae_low REAL,
        mae_high REAL,
        signed REAL NOT NULL,
        baseline_age REAL,
        baseline_mae REAL,
        item_set TEXT NOT NULL,
        PRIMARY KEY (run_id, split),
        CONSTRAINT split_known CHECK (split IN ('train', 'valid', 'test')),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE,
        FOREIGN KEY(item_set) REFERENCES item_set (hash)
    )
    """,
    "CREATE INDEX result_items ON result (item_set)",
    """
    CREATE TABLE run_tag (
        run_id INTEGER NOT NULL,
        tag TEXT NOT NULL,
        PRIMARY KEY (run_id, tag),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    ) WITHOUT ROWID
    """,
    "CREATE INDEX run_tag_tag ON run_tag (tag)",
    """
    CREATE TABLE summary (
        run_id INTEGER NOT NULL,
        stage INTEGER,
        epoch INTEGER,
        epochs INTEGER NOT NULL,
        step INTEGER,
        train_loss REAL,
        val_loss REAL,
        val_mae REAL,
        best_val_loss REAL,
        best_epoch INTEGER,
        split TEXT,
        mae REAL,
        mae_low REAL,
        mae_high REAL,
        baseline_mae REAL,
        bias_gender REAL,
        bias_expression REAL,
        bias_ethnicity REAL,
        bias_age REAL,
        noise_gender REAL,
        noise_expression REAL,
        noise_ethnicity REAL,
        noise_age REAL,
        PRIMARY KEY (run_id),
        FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE bias (
        run_id INTEGER NOT NULL,
        split TEXT NOT NULL,
        attribute TEXT NOT NULL,
        position INTEGER NOT NULL,
        value REAL,
        reason TEXT,
        low REAL,
        high REAL,
        noise_mean REAL,
        noise_p95 REAL,
        baseline REAL,
        missing INTEGER NOT NULL,
        PRIMARY KEY (run_id, split, attribute),
        FOREIGN KEY(run_id, split) REFERENCES result (run_id, split) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE prediction (
        run_id INTEGER NOT NULL,
        split TEXT NOT NULL,
        predicted BLOB NOT NULL,
        PRIMARY KEY (run_id, split),
        FOREIGN KEY(run_id, split) REFERENCES result (run_id, split) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE group_result (
        run_id INTEGER NOT NULL,
        split TEXT NOT NULL,
        attribute TEXT NOT NULL,
        position INTEGER NOT NULL,
        group_name TEXT NOT NULL,
        n INTEGER NOT NULL,
        mae REAL,
        signed REAL,
        PRIMARY KEY (run_id, split, attribute, position),
        FOREIGN KEY(run_id, split, attribute) REFERENCES bias (run_id, split, attribute) ON DELETE CASCADE
    )
    """,
)
