import Foundation

/// No script but files of ours, and none inside the page.
func scriptsAreOurs(_ page: String) -> Bool {
    page.components(separatedBy: "<script").dropFirst().allSatisfy {
        $0.hasPrefix(" type=\"module\" src=\"/assets/") && $0.contains("\"></script>")
    }
}

/// Every element that was opened is closed, in order.
func isBalanced(_ page: String) -> Bool {
    let void: Set<String> = ["!doctype", "meta", "link", "input", "br", "hr", "img", "wbr", "col"]
    var open: [String] = []
    for part in page.components(separatedBy: "<").dropFirst() {
        let name = part.prefix { !$0.isWhitespace && $0 != ">" }.lowercased()
        if name.hasPrefix("/") {
            guard open.popLast() == String(name.dropFirst()) else { return false }
        } else if !void.contains(name) {
            open.append(name)
        }
    }
    return open.isEmpty
}
