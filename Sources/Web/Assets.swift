import Crypto
import Foundation
import Hummingbird
import HTTPTypes
import Markup
import NIOCore

/// Our style sheets and scripts: in the binary, named by their content, kept by browsers for ever.
struct Assets: Sendable {
    let path: Path
    private let type: String
    private let body: ByteBuffer
    private let address: String

    static let style = Assets("usher", "css", "text/css; charset=utf-8", PackageResources.usher_css)
    static let all = [style]

    private init(_ name: String, _ ending: String, _ type: String, _ bytes: [UInt8]) {
        let hash = Array(SHA256.hash(data: bytes)).prefix(6).map { String($0, radix: 16) }.joined()
        let file = "\(name)-\(hash).\(ending)"
        path = Path("assets", file)
        address = "/assets/\(file)"
        self.type = type
        body = ByteBuffer(bytes: bytes)
    }

    static var routes: [Route] {
        all.map { asset in
            .get(asset.address, for: .anyone) { _ in
                let headers: HTTPFields = [.contentType: asset.type, .cacheControl: "public, max-age=31536000, immutable", .contentTypeOptions: "nosniff"]
                return Response(status: .ok, headers: headers, body: .init(byteBuffer: asset.body))
            }
        }
    }
}
