import Foundation
import Hummingbird
import Store

// The floor `make bench` compares with: the twelve statements of a new ticket, bare, in one durable transaction over
// HTTP. No routing, no rules, no JSON: what is slower than this is Usher's own work.

let folder = URL(
    fileURLWithPath: CommandLine.arguments.count > 2 ? CommandLine.arguments[2] : NSTemporaryDirectory(),
    isDirectory: true)
let port = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 8090 : 8090
let database: any Database =
    CommandLine.arguments.count > 4
    ? try PostgresDatabase(address: CommandLine.arguments[4], log: .init(label: "floor"))
    : try SQLiteDatabase(path: folder.appending(path: "floor.sqlite").path)

try await database.write { db in
    let id = db.dialect.identity
    let int = db.dialect.integer
    for statement: SQL in [
        "CREATE TABLE floor_customer (id \(id), name TEXT NOT NULL)",
        """
        CREATE TABLE floor_address (address TEXT PRIMARY KEY, customer_id \(int) NOT NULL
        REFERENCES floor_customer (id))
        """,
        """
        CREATE TABLE floor_ticket (id \(id), number \(int) NOT NULL UNIQUE, subject TEXT NOT NULL,
        state TEXT NOT NULL, urgency \(int) NOT NULL, customer_id \(int) NOT NULL
        REFERENCES floor_customer (id), created_at \(int) NOT NULL)
        """,
        "CREATE INDEX floor_ticket_state ON floor_ticket (state, id)",
        "CREATE INDEX floor_ticket_next ON floor_ticket (urgency DESC, id)",
        "CREATE INDEX floor_ticket_customer ON floor_ticket (customer_id, id)",
        """
        CREATE TABLE floor_entry (id \(id), ticket_id \(int) NOT NULL
        REFERENCES floor_ticket (id), kind TEXT NOT NULL, text TEXT NOT NULL, at \(int) NOT NULL)
        """,
        "CREATE INDEX floor_entry_of ON floor_entry (ticket_id, id)",
        """
        CREATE TABLE floor_event (id \(id), ticket_id \(int) NOT NULL
        REFERENCES floor_ticket (id), kind TEXT NOT NULL, reason TEXT NOT NULL, at \(int) NOT NULL)
        """,
        "CREATE INDEX floor_event_of ON floor_event (ticket_id, id)",
        """
        CREATE TABLE floor_outbox (id \(id), ticket_id \(int) NOT NULL
        REFERENCES floor_ticket (id), address TEXT NOT NULL, due_at \(int))
        """,
        "CREATE INDEX floor_outbox_due ON floor_outbox (due_at, id) WHERE due_at IS NOT NULL",
        """
        CREATE TABLE floor_job (id \(id), ticket_id \(int) NOT NULL
        REFERENCES floor_ticket (id), due_at \(int) NOT NULL)
        """,
        "CREATE INDEX floor_job_due ON floor_job (due_at)",
        "CREATE TABLE ticket (id \(id))",
    ] { try db.execute(statement) }
    for statement in db.dialect.createTextIndex() + db.dialect.tuneTextIndex() + db.dialect.completeTextIndex()
        + db.dialect.create(.ticketNumber, startingAt: 1)
    { try db.execute(statement) }
}

/// A ticket by bare statements; its number.
@Sendable func insertTicket(_ db: any Connection) throws -> Int64 {
    let now = Date()
    let number = try db.next(.ticketNumber)
    let customer: Int64 =
        try db.value("INSERT INTO floor_customer (name) VALUES (\("Customer \(number)")) RETURNING id") ?? 0
    try db.execute(
        "INSERT INTO floor_address (address, customer_id) VALUES (\("c\(number)@floor.example"), \(customer))")
    let ticket: Int64 =
        try db.value(
            """
            INSERT INTO floor_ticket (number, subject, state, urgency, customer_id, created_at)
            VALUES (\(number), \("Scanner sends empty pages"), 'new', 25, \(customer), \(now)) RETURNING id
            """
        ) ?? 0
    try db.execute(
        """
        INSERT INTO floor_entry (ticket_id, kind, text, at)
        VALUES (\(ticket), 'message', \("Since this morning every page comes out white."), \(now))
        """
    )
    for kind in ["opened", "assigned", "escalated"] {
        try db.execute(
            """
            INSERT INTO floor_event (ticket_id, kind, reason, at)
            VALUES (\(ticket), \(kind), \("by the API; department Support"), \(now))
            """
        )
    }
    try db.execute(
        """
        INSERT INTO floor_outbox (ticket_id, address, due_at)
        VALUES (\(ticket), \("c\(number)@floor.example"), \(now))
        """
    )
    try db.execute("INSERT INTO floor_job (ticket_id, due_at) VALUES (\(ticket), \(now + 3600))")
    if db.dialect == .postgres { try db.execute("INSERT INTO ticket (id) VALUES (\(ticket))") }
    try db.indexText(
        of: ticket, conversation: ["Scanner sends empty pages \(number) Since this morning every page comes out white."]
    )
    return number
}

// As many tickets as the desk it is compared with, so that the indexes are as deep.
let size = CommandLine.arguments.count > 3 ? Int(CommandLine.arguments[3]) ?? 0 : 0
for start in stride(from: 0, to: size, by: 1000) {
    try await database.write { db in for _ in start..<min(start + 1000, size) { _ = try insertTicket(db) } }
}

let router = Router()
router.get("bare") { _, _ in "ok" }
router.post("ticket") { request, _ -> String in
    _ = try await request.body.collect(upTo: 1 << 20)
    let number = try await database.write(insertTicket)
    return String(number)
}
try await Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: port))).runService()
