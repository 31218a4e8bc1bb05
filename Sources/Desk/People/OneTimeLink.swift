import Domain
import Foundation
import Mail
import Primitives
import Store

/// A link in a mail that works once: a customer signs in by it, an agent sets a password.
package struct OneTimeLink: Sendable {
    package typealias ID = Primitives.ID<OneTimeLink>
    package enum Purpose: String, Sendable, SQLConvertible {
        case signIn = "sign_in"
        case password
    }
    package let id: ID
    package let purpose: Purpose
    package let holder: Session.Holder

    static func lifetime(of purpose: Purpose) -> TimeInterval { purpose == .signIn ? 3600 : 86400 }

    /// The token is made again from the row when the mail is written; without the desk's secret the row tells nobody.
    static func token(_ id: ID, salt: String, _ signer: Signer) -> String {
        let body = String(id.number, radix: 36)
        return
            "\(body)-\(signer.mark("\(body):\(salt)", for: .oneTime))\(signer.mark("\(salt):\(body)", for: .oneTime))"
    }
}

extension Transaction {
    /// Mails a link to whoever has the address: a customer to sign in by, an agent to set a password. Says nothing to
    /// others.
    package func mailLink(to email: String) throws {
        guard let account = try db.account(email: MailAddress.folded(email.trimmingWhitespace())) else { return }
        switch account.holder {
        case .agent(let agent): try invite(agent, kind: .passwordReset)
        case .customer(let customer):
            guard try obstacle(to: customer.address) == nil else { return }
            try mail(.signInLink, purpose: .signIn, to: account.holder)
        }
    }

    /// Mails an agent the link by which a password is set; returns the link's address, for an administrator to hand
    /// over where no mail goes out.
    @discardableResult
    package func invite(_ agent: Agent, kind: MailKind = .invitation) throws -> String {
        let link = try mail(kind, purpose: .password, to: .agent(agent))
        guard let token = try db.oneTimeToken(link.number, office.signer) else { throw Refusal.notFound }
        return "\(office.url)/sign-in/\(token)"
    }

    @discardableResult
    private func mail(_ kind: MailKind, purpose: OneTimeLink.Purpose, to holder: Session.Holder) throws
        -> OneTimeLink.ID
    {
        let (agent, customer): (Agent.ID?, Customer.ID?) =
            switch holder {
            case .agent(let agent): (agent.id, nil)
            case .customer(let person): (nil, person.id)
            }
        let link = try db.insert(
            """
            INSERT INTO one_time_link (purpose, agent_id, customer_id, salt, created_at, expires_at)
            VALUES (\(purpose), \(agent), \(customer), \(Secret.random()), \(now),
            \(now + OneTimeLink.lifetime(of: purpose))) RETURNING id
            """, as: OneTimeLink.self)
        switch holder {
        case .agent(let agent):
            try queue(
                kind, ticket: nil, entry: nil, recipient: "agent", id: agent.id.number, address: agent.email,
                name: agent.name, data: ["link": .init(link.number)])
        case .customer(let person):
            try queue(
                kind, ticket: nil, entry: nil, recipient: "customer", id: person.id.number, address: person.address,
                name: person.name, data: ["link": .init(link.number)])
        }
        return link
    }

    /// Signs in by a link, which ends with it.
    package func signIn(by token: String, browser: String) throws -> (token: String, Session.Holder) {
        guard let link = try db.oneTimeLink(token, office.signer, now: now), link.purpose == .signIn else {
            throw Refusal.notFound
        }
        try db.execute("DELETE FROM one_time_link WHERE id = \(link.id)")
        return (try beginSession(link.holder, browser: browser), link.holder)
    }

    /// Sets a password by a link: all links and sessions of before end.
    package func setPassword(by token: String, hash: String, browser: String) throws -> (token: String, Session.Holder)
    {
        guard let link = try db.oneTimeLink(token, office.signer, now: now), link.purpose == .password,
            case .agent(let agent) = link.holder
        else { throw Refusal.notFound }
        try endLinks(of: link.holder)
        try db.execute("UPDATE agent SET password = \(hash) WHERE id = \(agent.id)")
        try endSessions(of: link.holder)
        try tell(agent, .passwordSet)
        // The mailbox alone is no second factor: whoever has one signs in with it.
        return (try db.hasOneTimeCodes(agent.id) ? "" : try beginSession(link.holder, browser: browser), link.holder)
    }

    /// Sets a password of somebody who is signed in; the other sessions end.
    package func setPassword(of session: Session, hash: String) throws {
        switch session.holder {
        case .agent(let agent):
            try db.execute("UPDATE agent SET password = \(hash) WHERE id = \(agent.id)")
            try tell(agent, .passwordSet)
        case .customer(let customer): try db.execute("UPDATE customer SET password = \(hash) WHERE id = \(customer.id)")
        }
        try endLinks(of: session.holder)
        try endSessions(of: session.holder, except: session.hash)
    }

    /// Ends every link that was mailed to somebody: with any change of their password or address.
    func endLinks(of holder: Session.Holder) throws {
        switch holder {
        case .agent(let agent): try db.execute("DELETE FROM one_time_link WHERE agent_id = \(agent.id)")
        case .customer(let customer): try db.execute("DELETE FROM one_time_link WHERE customer_id = \(customer.id)")
        }
    }
}

extension Connection {
    /// The link a token stands for, while it lasts.
    package func oneTimeLink(_ token: String, _ signer: Signer, now: Date) throws -> OneTimeLink? {
        guard let number = token.split(separator: "-").first.flatMap({ Int64($0, radix: 36) }) else { return nil }
        let found = try first(
            """
            SELECT id, purpose, agent_id, customer_id, salt FROM one_time_link WHERE id = \(number)
            AND expires_at > \(now)
            """
        ) {
            (
                try $0.read(OneTimeLink.ID.self), try $0.read(OneTimeLink.Purpose.self), try $0.read(Agent.ID?.self),
                try $0.read(Customer.ID?.self), try $0.read(String.self)
            )
        }
        guard let (id, purpose, agentID, customerID, salt) = found,
            Secret.areEqual(token.lowercased(), OneTimeLink.token(id, salt: salt, signer))
        else { return nil }
        if let agentID {
            guard let agent = try agent(agentID), agent.isActive else { return nil }
            return OneTimeLink(id: id, purpose: purpose, holder: .agent(agent))
        }
        guard let customerID, let address = try addresses(of: customerID).first,
            let customer = try customer(address: address)
        else { return nil }
        return OneTimeLink(
            id: id, purpose: purpose, holder: .customer(Person(id: customer.id, name: customer.name, address: address)))
    }
    func oneTimeToken(_ id: Int64, _ signer: Signer) throws -> String? {
        try value("SELECT salt FROM one_time_link WHERE id = \(id)", as: String.self).map {
            OneTimeLink.token(OneTimeLink.ID(id), salt: $0, signer)
        }
    }
}
