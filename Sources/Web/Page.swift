import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Markup
import NIOCore

/// What every page is made with: the language, whose page it is, and the mark of its forms.
struct Frame: Sendable {
    let t: Language
    let deskName: String
    let session: Session?
    var csrf: String
    let now: Date
    /// Pages reload themselves when the program was built anew.
    var isDeveloping = false
    /// Why timers stand still, for administrators to decide.
    var clockHold: ClockHold?
    var theme = Theme.system

    var agent: Agent? { session?.agent }
}

/// How pages are sent.
enum Page {
    /// No script but our files, no style but ours, no frame, nothing from elsewhere.
    static let policy =
        """
        default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; connect-src 'self'; \
        form-action 'self'; base-uri 'none'; frame-ancestors 'none'
        """

    static func response(_ page: HTML, policy: String = Page.policy) -> Response { response(.ok, page, policy: policy) }
    static func response(_ status: HTTPResponse.Status, _ page: HTML, policy: String = Page.policy) -> Response {
        let headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .contentSecurityPolicy: policy,
            .contentTypeOptions: "nosniff",
            // Addresses carry tokens: they go nowhere.
            .referrerPolicy: "no-referrer", .robots: "noindex, nofollow",
        ]
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: page.bytes)))
    }

    /// After a form was taken: the page is read anew, so that a reload sends nothing twice.
    static func see(_ path: Path) -> Response { see(path.text) }
    static func see(_ address: String) -> Response {
        Response(
            status: .seeOther, headers: [.location: address, .cacheControl: "no-store", .referrerPolicy: "no-referrer"])
    }
}

/// The document around a page.
private func document(_ title: String, _ frame: Frame, _ style: Assets, _ script: Assets, _ body: HTML) -> HTML {
    let developing: HTML? =
        frame.isDeveloping ? "<script type=\"module\" src=\"\(href: Assets.development.path)\"></script>" : nil
    return """
        <!doctype html>
        <html lang="\(frame.t.code)" dir="ltr"\(frame.theme.attribute)><head><meta charset="utf-8">\
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">\
        <title>\(title) · \(frame.deskName)</title>\
        <link rel="icon" type="image/svg+xml" href="\(href: Assets.icon.path)">\
        <meta name="usher-portal" content="\(Assets.portal.path.text)">\
        <link rel="stylesheet" href="\(href: Assets.style.path)"><link rel="stylesheet" href="\(href: style.path)">\
        <link rel="modulepreload" href="\(href: Assets.portal.path)">\
        <script type="module" src="\(href: script.path)"></script>\(developing)</head>\(body)</html>
        """
}

/// A page of the workspace, whose body is made by `deskPage`.
func deskDocument(_ title: String, _ frame: Frame, _ body: HTML) -> HTML {
    document(title, frame, Assets.deskStyle, Assets.desk, body)
}

/// Which page of the customers' side is shown, so that its navigation says so.
enum PortalPlace {
    case help, requests, signIn, other
}

/// A page for customers and guests.
func portalPage(_ title: String, _ frame: Frame, at place: PortalPlace = .other, _ content: HTML) -> HTML {
    let t = frame.t
    func link(_ path: Path, _ title: String, _ here: PortalPlace) -> HTML {
        let current: HTML? = place == here ? " aria-current=\"page\"" : nil
        return "<a href=\"\(href: path)\"\(current)>\(title)</a>"
    }
    let session: HTML
    switch frame.session?.holder {
    case .agent?: session = link(Path("desk"), t("Workspace"), .other)
    case .customer?:
        session = """
            \(link(Path("tickets"), t("My requests"), .requests))\
            <form method="post" action="\(href: Path("sign-out"))">\
            <input type="hidden" name="csrf" value="\(frame.csrf)"><button class="link">\(t("Sign out"))</button></form>
            """
    case nil:
        session =
            "\(link(Path("tickets"), t("My requests"), .requests))\(link(Path("sign-in"), t("Sign in"), .signIn))"
    }
    return document(
        title, frame, Assets.portalStyle, Assets.portal,
        """
        <body class="portal"><a class="skip" href="#content">\(t("Skip to the content"))</a>
        <header><div><a class="brand" href="\(href: Path())">\(logo)<span>\(frame.deskName)</span></a>
        <nav aria-label="\(t("Main"))">\(link(Path("kb"), t("Articles"), .help))\(session)</nav></div></header>
        <main id="content">\(content)</main>
        <footer><div><span>\(frame.deskName)</span>\(Theme.form(frame, from: Path()))</div></footer></body>
        """)
}

/// A fault told inside the workspace.
func errorPage(_ problem: Problem, at desk: DeskFrame) -> HTML {
    deskPage(
        desk.t(problem.title), desk, at: .other,
        """
        <main class="sheet" id="content"><p class="quiet small num">\(problem.status)</p>\
        <h1>\(desk.t(problem.title))</h1>\(details(of: problem, desk.t))<p>\
        <a href="\(href: Path("desk"))">\(desk.t("Go to the workspace"))</a></p></main>
        """
    )
}

private func details(of problem: Problem, _ t: Language) -> HTML {
    let faults: [HTML] = problem.faults.map { "<li>\($0.field): \(t.fault($0.problem))</li>" }
    let list: HTML? = faults.isEmpty ? nil : "<ul>\(faults)</ul>"
    let mark: HTML? = problem.requestID.map {
        """
        <p class="quiet small">\(t("If it keeps happening, contact us and mention this code:")) \
        <code>\($0)</code></p>
        """
    }
    return "\(list)\(mark)"
}

func errorPage(_ problem: Problem, _ frame: Frame) -> HTML {
    let back: HTML =
        frame.agent == nil
        ? "<a href=\"\(href: Path())\">\(frame.t("Go to the home page"))</a>"
        : "<a href=\"\(href: Path("desk"))\">\(frame.t("Go to the workspace"))</a>"
    return portalPage(
        frame.t(problem.title), frame,
        """
        <p class="quiet small num">\(problem.status)</p>\
        <h1>\(frame.t(problem.title))</h1>\(details(of: problem, frame.t))<p>\(back)</p>
        """
    )
}

// MARK: parts

/// A text field with its label and what is wrong with it.
struct TextField {
    var name: String
    var label: String
    var value = ""
    var type = "text"
    var autocomplete = "off"
    var hint: String?
    var isRequired = false
    /// Where the page has two fields of one name.
    var id: String?
    var fault: String?

    var html: HTML {
        let id = id ?? name
        let required: HTML? = isRequired ? " required" : nil
        return """
            <div class="field"><label for="\(id)">\(label)</label>\
            <input id="\(id)" name="\(name)" type="\(type)" autocomplete="\(autocomplete)" \
            value="\(typed: value)"\(required)\(described(id, fault, hint))>\(below(id, fault, hint))</div>
            """
    }
}

/// A box for more than a line.
struct TextArea {
    var name: String
    var label: String
    var value = ""
    var rows = 6
    var hint: String?
    var isRequired = false
    var fault: String?

    var html: HTML {
        let required: HTML? = isRequired ? " required" : nil
        return """
            <div class="field"><label for="\(name)">\(label)</label>\
            <textarea dir="auto" id="\(name)" name="\(name)" rows="\(rows)"\(required)\(described(name, fault, hint))>
            \(typed: value)</textarea>\(below(name, fault, hint))</div>
            """
    }
}

/// One of several.
struct Choice {
    var name: String
    var label: String
    var options: [(value: String, title: String)]
    var chosen = ""
    var hint: String?
    var fault: String?
    /// Where the label is plain from what stands around it.
    var hidesLabel = false

    var html: HTML {
        let items: [HTML] = options.map { option in
            let selected: HTML? = option.value == chosen ? " selected" : nil
            return "<option value=\"\(option.value)\"\(selected)>\(option.title)</option>"
        }
        let hidden: HTML? = hidesLabel ? " class=\"unseen\"" : nil
        return """
            <div class="field"><label for="\(name)"\(hidden)>\(label)</label>\
            <select id="\(name)" name="\(name)"\(described(name, fault, hint))>\(items)</select>\
            \(below(name, fault, hint))</div>
            """
    }
}

/// A box to tick.
func tick(_ name: String, _ label: String, isOn: Bool, value: String = "1", id: String? = nil) -> HTML {
    let checked: HTML? = isOn ? " checked" : nil
    let id = id ?? name
    return
        """
        <div class="tick"><input type="checkbox" id="\(id)" name="\(name)" value="\(value)"\(checked)>\
        <label for="\(id)">\(label)</label></div>
        """
}

private func described(_ name: String, _ fault: String?, _ hint: String?) -> HTML? {
    let ids = [fault == nil ? nil : "\(name)-fault", hint == nil ? nil : "\(name)-hint"].compactMap { $0 }
    guard !ids.isEmpty else { return nil }
    let invalid: HTML? = fault == nil ? nil : " aria-invalid=\"true\""
    return "\(invalid) aria-describedby=\"\(ids.joined(separator: " "))\""
}
private func below(_ name: String, _ fault: String?, _ hint: String?) -> HTML {
    let faultText: HTML? = fault.map { "<span class=\"fault\" id=\"\(name)-fault\">\($0)</span>" }
    let hintText: HTML? = hint.map { "<span class=\"hint\" id=\"\(name)-hint\">\($0)</span>" }
    return "\(faultText)\(hintText)"
}

/// Where files are chosen, dropped or pasted.
///
/// - Parameter lost: names of files of a form that came back; a browser does not send them again by itself.
func fileField(_ t: Language, id: String = "attachments", label: String? = nil, lost: [String] = []) -> HTML {
    let again: HTML? =
        lost.isEmpty
        ? nil
        : """
        <span class="fault" role="alert">\(t("Attach these files again: {0}", lost.joined(separator: ", ")))</span>
        """
    return """
        <div class="field files-field" data-drop><label for="\(id)">\(label ?? t("Attachments"))</label>\
        <input id="\(id)" name="attachments" type="file" multiple aria-describedby="\(id)-hint">\
        <span class="hint" id="\(id)-hint">\(t("Choose them, drop them here, or paste a picture."))</span>\
        \(again)\
        <ul class="files" data-chosen aria-live="polite"></ul></div>
        """
}

/// A form that changes something: its address, and the mark that it is ours.
func form(
    _ path: Path, csrf: String, files: Bool = false, class style: String = "card roomy", keep: String? = nil,
    _ content: HTML
) -> HTML {
    let encoding: HTML? = files ? " enctype=\"multipart/form-data\"" : nil
    let kept: HTML? = keep.map { " data-keep=\"\($0)\"" }
    let once: HTML? = files ? onceField() : nil
    return """
        <form class="\(style)" method="post" action="\(href: path)"\(encoding)\(kept)>\
        <input type="hidden" name="csrf" value="\(csrf)">\(once)\(content)</form>
        """
}

/// What a form is known by where it is sent twice.
func onceField() -> HTML { "<input type=\"hidden\" name=\"once\" value=\"\(Secret.random())\">" }

/// A moment, which the browser shows in its own time zone.
func moment(_ date: Date) -> HTML {
    let text = date.rfc3339
    return
        """
        <time class="num" dir="auto" datetime="\(text)">\(String(text.prefix(10))) \
        \(String(text.dropFirst(11).prefix(5))) UTC</time>
        """
}

/// Where a page belongs: the pages above it.
func trail(_ steps: [(path: Path, title: String)], _ t: Language) -> HTML? {
    guard !steps.isEmpty else { return nil }
    let links: [HTML] = steps.enumerated().map { index, step in
        let mark: HTML? = index > 0 ? "<span class=\"quiet\" aria-hidden=\"true\">/</span>" : nil
        return "\(mark)<a href=\"\(href: step.path)\">\(step.title)</a>"
    }
    return "<nav class=\"crumbs\" aria-label=\"\(t("Breadcrumb"))\">\(links)</nav>"
}

func face(_ name: String) -> HTML { "<span class=\"face\" aria-hidden=\"true\">\(initials(name))</span>" }

/// Up to two letters for the round picture beside a name.
func initials(_ name: String) -> String {
    // Every face of every page asks; most names need no table of letters.
    guard name.utf8.contains(where: { $0 >= 0x80 }) else {
        let letters = name.utf8.split(separator: UInt8(ascii: " ")).prefix(2).compactMap(\.first)
        return String(decoding: letters.map { (0x61...0x7A).contains($0) ? $0 & 0xDF : $0 }, as: UTF8.self)
    }
    return name.split(separator: " ").prefix(2).compactMap(\.first).map { String($0).uppercased() }.joined()
}

/// A short word that something was done.
func said(_ words: String?) -> HTML? { words.map { "<p class=\"said\" role=\"status\">\($0)</p>" } }
