import Desk
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import NIOCore

/// What every page has around its content.
enum Page {
    /// No script but our files, no style but ours, no frame, nothing from elsewhere.
    static let policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

    static func response(_ page: HTML) -> Response { response(.ok, page) }
    static func response(_ status: HTTPResponse.Status, _ page: HTML) -> Response {
        let headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .contentSecurityPolicy: policy, .contentTypeOptions: "nosniff",
            // Addresses carry tokens: they go nowhere.
            .referrerPolicy: "no-referrer", .robots: "noindex, nofollow",
        ]
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: page.bytes)))
    }

    /// After a form was taken: the page is read anew, so that a reload sends nothing twice.
    static func see(_ path: Path) -> Response {
        Response(status: .seeOther, headers: [.location: path.text, .cacheControl: "no-store", .referrerPolicy: "no-referrer"])
    }
}

/// A page for customers and guests.
func portalPage(_ title: String, desk name: String, _ content: HTML) -> HTML {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(title) · \(name)</title><link rel="stylesheet" href="\(href: Assets.style.path)"></head><body>
    <header class="bar"><span class="mark">\(name)</span></header>
    <main class="portal">\(content)</main></body></html>
    """
}

func errorPage(_ problem: Problem) -> HTML {
    let faults: [HTML] = problem.faults.map { "<li>\($0.field) \($0.problem.text)</li>" }
    let list: HTML? = faults.isEmpty ? nil : "<ul>\(faults)</ul>"
    let mark: HTML? = problem.requestID.map { "<p class=\"quiet small\">If you tell us about it, name this: <code>\($0)</code></p>" }
    return portalPage(problem.title, desk: "Help", "<h1>\(problem.title)</h1>\(list)\(mark)")
}

/// A text field with its label and what is wrong with it.
struct TextField {
    var name: String
    var label: String
    var value = ""
    var type = "text"
    var autocomplete = "off"
    var fault: Fault.Problem?

    var html: HTML {
        let described: HTML? = fault == nil ? nil : " aria-invalid=\"true\" aria-describedby=\"\(name)-fault\""
        return """
            <div class="field"><label for="\(name)">\(label)</label>\
            <input id="\(name)" name="\(name)" type="\(type)" autocomplete="\(autocomplete)" value="\(value)"\(described)>\(faultText(fault, of: name))</div>
            """
    }
}

/// A box for more than a line.
struct TextArea {
    var name: String
    var label: String
    var value = ""
    var rows = 6
    var fault: Fault.Problem?

    var html: HTML {
        let described: HTML? = fault == nil ? nil : " aria-invalid=\"true\" aria-describedby=\"\(name)-fault\""
        return """
            <div class="field"><label for="\(name)">\(label)</label>\
            <textarea id="\(name)" name="\(name)" rows="\(rows)"\(described)>
            \(value)</textarea>\(faultText(fault, of: name))</div>
            """
    }
}

private func faultText(_ fault: Fault.Problem?, of name: String) -> HTML? {
    fault.map { "<span class=\"fault\" id=\"\(name)-fault\">This \($0.text)</span>" }
}

/// A form that changes something: its address, and the mark that it is ours.
func form(_ path: Path, csrf: String, files: Bool = false, _ content: HTML) -> HTML {
    let encoding: HTML? = files ? " enctype=\"multipart/form-data\"" : nil
    return """
        <form class="card roomy" method="post" action="\(href: path)"\(encoding)><input type="hidden" name="csrf" value="\(csrf)">\(content)</form>
        """
}
