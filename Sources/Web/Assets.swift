import Crypto
import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import NIOCore

/// Our style sheets and scripts: in the binary, packed once, named by their content, kept by browsers for ever.
struct Assets: Sendable {
    let path: Path
    private let type: String
    private let body: ByteBuffer
    private let packed: ByteBuffer?
    private let address: String
    private let file: String

    static let style = Assets("usher", "css", "text/css; charset=utf-8", PackageResources.usher_css)
    static let deskStyle = Assets("desk", "css", "text/css; charset=utf-8", PackageResources.desk_css)
    static let portalStyle = Assets("portal", "css", "text/css; charset=utf-8", PackageResources.portal_css)
    static let desk = Assets("desk", "js", "text/javascript; charset=utf-8", PackageResources.desk_js)
    static let writing = Assets("writing", "js", "text/javascript; charset=utf-8", PackageResources.writing_js)
    static let richText = Assets("richtext", "js", "text/javascript; charset=utf-8", PackageResources.richtext_js)
    static let palette = Assets("palette", "js", "text/javascript; charset=utf-8", PackageResources.palette_js)
    static let portal = Assets("portal", "js", "text/javascript; charset=utf-8", PackageResources.portal_js)
    static let development = Assets("dev", "js", "text/javascript; charset=utf-8", PackageResources.dev_js)
    static let icon = Assets("usher", "svg", "image/svg+xml", PackageResources.usher_svg)
    static let icons = Assets("icons", "svg", "image/svg+xml", PackageResources.icons_svg)
    static let all = [
        style, deskStyle, portalStyle, desk, writing, richText, palette, portal, development, icon, icons,
    ]

    /// Where files are read anew on each request while Usher is worked on; set by `make dev`.
    static let folder = ProcessInfo.processInfo.environment["USHER_DEV_ASSETS"].map {
        URL(fileURLWithPath: $0, isDirectory: true)
    }
    /// Changes with the program and, in development, with the files.
    static var version: String {
        let files =
            folder.map { folder in
                all.map {
                    (try? FileManager.default.attributesOfItem(atPath: folder.appending(path: $0.file).path)[
                        .modificationDate] as? Date)?.description ?? ""
                }
            } ?? []
        return started + files.joined()
    }
    private static let started = UUID().uuidString

    private init(_ name: String, _ ending: String, _ type: String, _ bytes: [UInt8]) {
        let hash = Array(SHA256.hash(data: bytes)).prefix(6).map { String($0, radix: 16) }.joined()
        let shown = "\(name)-\(hash).\(ending)"
        file = "\(name).\(ending)"
        path = Path("assets", shown)
        address = "/assets/\(shown)"
        self.type = type
        body = ByteBuffer(bytes: bytes)
        packed = Gzip.pack(bytes).map { ByteBuffer(bytes: $0) }
    }

    static var routes: [Route] {
        all.map { asset in .get(asset.address, for: .anyone) { asset.answer($0.request) } }
            + [
                .get("/dev/version", for: .anyone) { _ in
                    guard folder != nil else { return Response(status: .notFound) }
                    return Response(
                        status: .ok, headers: [.contentType: "text/plain", .cacheControl: "no-store"],
                        body: .init(byteBuffer: ByteBuffer(string: version)))
                }
            ]
    }

    private func answer(_ request: Request) -> Response {
        if let folder = Self.folder, let bytes = try? Data(contentsOf: folder.appending(path: file)) {
            return Response(
                status: .ok, headers: [.contentType: type, .cacheControl: "no-store"],
                body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
        }
        var headers: HTTPFields = [
            .contentType: type, .cacheControl: "public, max-age=31536000, immutable", .contentTypeOptions: "nosniff",
            .vary: "Accept-Encoding",
        ]
        guard let packed, request.headers[.acceptEncoding]?.contains("gzip") ?? false else {
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: body))
        }
        headers[.contentEncoding] = "gzip"
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: packed))
    }
}
