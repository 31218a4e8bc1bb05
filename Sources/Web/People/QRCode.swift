import CQRCode
import Markup

/// A QR code (ISO/IEC 18004) as a picture inside the page: what it says leaves the desk for nobody.
enum QRCode {
    /// Empty modules around the code, as the standard asks.
    private static let margin = 4

    /// Nil for more than a code holds.
    static func svg(_ text: String, label: String) -> HTML? {
        guard let code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M) else { return nil }
        defer { QRcode_free(code) }
        let width = Int(code.pointee.width)
        guard width > 0, let modules = code.pointee.data else { return nil }
        var shapes = ""
        for row in 0..<width {
            var column = 0
            while column < width {
                guard modules[row * width + column] & 1 == 1 else {
                    column += 1
                    continue
                }
                let start = column
                while column < width, modules[row * width + column] & 1 == 1 { column += 1 }
                // One bar for neighbours in a row.
                shapes += "M\(start + margin) \(row + margin)h\(column - start)v1h-\(column - start)z"
            }
        }
        let size = width + 2 * margin
        return """
            <svg class="qr" role="img" aria-label="\(label)" viewBox="0 0 \(size) \(size)" width="208" height="208" \
            shape-rendering="crispEdges">\
            <path fill="#fff" d="M0 0h\(size)v\(size)h-\(size)z"/><path fill="#000" d="\(shapes)"/></svg>
            """
    }
}
