import Desk
import Foundation
import Hummingbird
import Mail

extension Call {
    /// A form that was sent, with its anti-forgery value checked: `csrf` is derived from what the page was made for.
    func form(csrfFor subject: String) async throws -> FormData {
        let bytes = try await body()
        guard let form = FormData(bytes, type: request.headers[.contentType] ?? "") else { throw Refusal.malformed("this is not what the form sends") }
        guard desk.office.signer.isGenuine(form["csrf"] ?? "", of: subject, for: .form) else { throw Refusal.notAllowed("This form is too old or was not ours; please go back, reload the page and send it again") }
        return form
    }

    func csrf(_ subject: String) -> String { desk.office.signer.mark(subject, for: .form) }

    /// The files of a form, kept; one limit for all of them.
    func keep(_ form: FormData, field: String = "attachments") throws -> [StoredFile] {
        let chosen = form.files.filter { $0.field == field }
        let limit = desk.settings.current.attachmentBytes
        guard chosen.reduce(0, { $0 + $1.bytes.count }) <= limit else { throw Refusal.tooLarge(limit: limit) }
        return try desk.keep(chosen.map { Upload(name: String($0.name.prefix(250)), type: Upload.type($0.type), bytes: $0.bytes) })
    }
}
