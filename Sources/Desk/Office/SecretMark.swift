import Store

extension Connection {
    /// Whether anything was signed or sealed that a lost secret would make worthless.
    package func hasSigned() throws -> Bool {
        try value(
            """
            SELECT (SELECT count(*) FROM (SELECT 1 FROM ticket LIMIT 1) AS a) + (SELECT count(*) FROM (SELECT 1
            FROM outbox LIMIT 1) AS b) + (SELECT count(*) FROM mailbox)
            """,
            as: Int.self) ?? 0 > 0
    }

    /// Notes by which mark the desk knows its secret again (`Signer.fingerprint`).
    package func keepSecretMark(_ mark: String) throws {
        try execute(
            """
            INSERT INTO setting (name, value) VALUES ('_secret_mark', \(mark)) ON CONFLICT (name) DO UPDATE
            SET value = excluded.value
            """
        )
    }

    /// Notes that the desk is about to be filled by a restore, and to sign with another secret from then on.
    func expectSecret(_ mark: String) throws {
        try execute(
            """
            INSERT INTO setting (name, value) VALUES ('_secret_expected', \(mark)) ON CONFLICT (name) DO UPDATE
            SET value = excluded.value
            """
        )
    }
}
