import Store

/// How far a desk is set up, read from what is there.
package struct SetupProgress: Sendable {
    /// Somebody gave the desk a name of its own.
    package let hasName: Bool
    /// There is more than one agent.
    package let hasTeam: Bool
    package let hasTicket: Bool
    /// An administrator wants to see the list no more.
    package let isDismissed: Bool
}

extension Connection {
    package func setupProgress() throws -> SetupProgress {
        let agents: Int =
            try value("SELECT count(*) FROM (SELECT 1 FROM agent WHERE is_active = 1 LIMIT 2) AS found") ?? 0
        let hasTicket = try value("SELECT 1 FROM ticket LIMIT 1", as: Int64.self) != nil
        return SetupProgress(
            hasName: try settings().name != Settings().name, hasTeam: agents > 1, hasTicket: hasTicket,
            isDismissed: try privateSetting(SetupProgress.dismissed) != nil)
    }

    /// Whether a mailbox of this address has a mail server of its own to send through.
    package func hasMailServer(of address: String) throws -> Bool {
        try value(
            "SELECT 1 FROM mailbox WHERE is_active = 1 AND smtp_host <> '' AND address = \(address) LIMIT 1",
            as: Int64.self) != nil
    }

    /// The address customers can write to: nil where no mail can come in.
    ///
    /// - Parameters:
    ///   - home: the desk's own address.
    ///   - takesLMTP: whether a mail server hands mail over; otherwise it takes a mailbox, or mail that has come in
    ///     before, by a pipe.
    package func publicMailAddress(home: String, takesLMTP: Bool) throws -> String? {
        let mailboxes = try query("SELECT address FROM mailbox WHERE is_active = 1 ORDER BY id") {
            try $0.read(String.self)
        }
        if let first = mailboxes.first { return mailboxes.contains(home) ? home : first }
        if takesLMTP { return home }
        return try value("SELECT 1 FROM received LIMIT 1", as: Int64.self) == nil ? nil : home
    }
}

extension SetupProgress {
    fileprivate static let dismissed = "first_steps"
}

extension Transaction {
    package func dismissFirstSteps() throws { try keepPrivately(SetupProgress.dismissed, "dismissed") }
}
