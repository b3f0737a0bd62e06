"""Schema 2: an ordered queue, workers, requests to running runs, and how attempts ended."""

STATEMENTS = (
    "ALTER TABLE run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN position REAL NOT NULL DEFAULT 0",
    """
    ALTER TABLE run ADD COLUMN request TEXT
        CONSTRAINT request_known CHECK (request IN ('pause', 'cancel', 'kill'))
    """,
    "ALTER TABLE run ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE run ADD COLUMN failure TEXT",
    "UPDATE run SET position = id",
    # An index of all statuses would be preferred to that of the queue, which is already in order.
    "DROP INDEX run_status",
    "CREATE INDEX run_queue ON run (priority DESC, position) WHERE status = 'queued'",
    "CREATE INDEX run_running ON run (id) WHERE status = 'running'",
    "ALTER TABLE attempt ADD COLUMN worker TEXT",
    "ALTER TABLE attempt ADD COLUMN device TEXT",
    "ALTER TABLE attempt ADD COLUMN failure TEXT",
    "ALTER TABLE attempt ADD COLUMN step INTEGER",
    "ALTER TABLE attempt ADD COLUMN seconds REAL",
    "ALTER TABLE attempt ADD COLUMN replayed INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE attempt ADD COLUMN differing INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE attempt ADD COLUMN notes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE summary ADD COLUMN total_steps INTEGER",
    "ALTER TABLE summary ADD COLUMN images_per_second REAL",
    "ALTER TABLE summary ADD COLUMN eta_seconds REAL",
    "ALTER TABLE summary ADD COLUMN activity TEXT",
    """
    CREATE TABLE worker (
        device TEXT NOT NULL,
        pid INTEGER NOT NULL,
        host TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        reason TEXT,
        run_id INTEGER,
        waiting_for TEXT,
        stop_requested BOOLEAN NOT NULL,
        PRIMARY KEY (device)
    )
    """,
    """
    CREATE TABLE queue_hold (
        id INTEGER NOT NULL,
        reason TEXT NOT NULL,
        held_at TEXT NOT NULL,
        PRIMARY KEY (id),
        CONSTRAINT one_hold CHECK (id = 1)
    )
    """,
)
