import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Mail
import Markup
import NIOCore
import Primitives
import Store

/// Pictures that a customer's HTML loads from elsewhere, for an agent who asked for them: the desk fetches them, so
/// that whoever sent the message learns nothing of the agent.
enum PictureRoutes {
    static var routes: [Route] { [.get("/desk/entries/:id/picture", for: .agent(.viewer), show)] }

    @Sendable private static func show(_ call: Call) async throws -> Response {
        let (id, agent) = (Entry.ID(try call.number("id")), try call.agent())
        // Only addresses that stand in the entry were signed: the desk fetches nothing else for anybody.
        guard let address = call.query("url"), address.utf8.count <= RemotePictures.longestAddress,
            call.desk.office.signer.isGenuine(call.query("mark") ?? "", of: signed(address, of: id), for: .picture)
        else { throw Refusal.notFound }
        try await call.desk.read { db in
            guard let ticket: Ticket.ID = try db.value("SELECT ticket_id FROM entry WHERE id = \(id)") else {
                throw Refusal.notFound
            }
            try db.require(.agent(agent), .seeInside, ticket)
        }
        guard let picture = await call.web.pictures.picture(at: address) else { throw Refusal.notFound }
        let headers: HTTPFields = [
            .contentType: picture.type, .contentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; sandbox", .cacheControl: "private, max-age=600",
            .referrerPolicy: "no-referrer",
        ]
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: picture.bytes)))
    }

    static func signed(_ address: String, of entry: Entry.ID) -> String { "\(entry):\(address)" }
}

/// The attribute that shows a picture from elsewhere through the desk.
func picture(_ address: String, of entry: Entry.ID, _ signer: Signer?) -> HTML {
    guard let signer, address.utf8.count <= RemotePictures.longestAddress else { return "" }
    let path = Path(
        "desk", "entries", entry.description, "picture",
        query: [("url", address), ("mark", signer.mark(PictureRoutes.signed(address, of: entry), for: .picture))])
    return " src=\"\(href: path)\""
}
