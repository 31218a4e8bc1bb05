import Desk
import Domain
import Foundation
import Markup
import Primitives

/// Where an agent writes: a reply or a note, each with a box of its own, so that one never becomes the other.
func composer(_ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML? {
    guard desk.works, ![.merged, .spam, .deleted].contains(view.ticket.state) else { return nil }
    let t = desk.t
    let isNote =
        notice.typed?.kind == .note || (notice.typed == nil && view.drafts[.reply] == nil && view.drafts[.note] != nil)
    let (reply, note): (HTML?, HTML?) = isNote ? (nil, " checked") : (" checked", nil)
    return """
        <section class="composer" aria-label="\(t("Write a reply or note"))" data-writing="\(Assets.writing.path.text)" \
        data-rich-text="\(Assets.richText.path.text)">\
        <div class="kinds" role="radiogroup" aria-label="\(t("Type of message"))">\
        <input type="radio" name="writing" id="tab-reply" class="unseen"\(reply) data-key="r m">\
        <label for="tab-reply">\(Icon.reply.html)\(t("Reply"))</label>\
        <input type="radio" name="writing" id="tab-note" class="unseen"\(note) data-key="n">\
        <label for="tab-note">\(Icon.note.html)\(t("Note"))</label>\
        <span class="state end" data-kept aria-live="polite">\(kept(view, t))</span></div>\
        \(box(.reply, desk, view, notice))\(box(.note, desk, view, notice))\(marks(t))</section>
        """
}

/// The buttons that a script puts below both boxes. Without a script there are none.
private func marks(_ t: Language) -> HTML {
    let tools: [(name: String, icon: Icon, title: String, key: String)] = [
        ("bold", .bold, t("Bold"), "B"), ("italic", .italic, t("Italic"), "I"), ("link", .link, t("Link"), "K"),
        ("list", .ul, t("Bulleted list"), "Shift 8"), ("numbers", .ol, t("Numbered list"), "Shift 7"),
        ("quote", .quote, t("Quote"), "Shift ."), ("code", .code, t("Code"), "E"),
    ]
    let buttons: [HTML] = tools.map { tool -> HTML in
        let keys = "Control+" + tool.key.replacingOccurrences(of: " ", with: "+")
        return """
            <button type="button" class="button plain icon-only" data-mark="\(tool.name)" \
            aria-label="\(tool.title)" aria-keyshortcuts="\(keys)" title="\(tool.title) (Ctrl \(tool.key))">\
            \(tool.icon.html)</button>
            """
    }
    return """
        <template><div class="marks" role="toolbar" aria-label="\(t("Formatting"))">\(buttons)</div></template>
        """
}

private func kept(_ view: TicketView, _ t: Language) -> HTML? {
    guard let last = view.drafts.values.map(\.savedAt).max() else { return nil }
    return "\(t("Draft saved")) \(moment(last))"
}

private func box(_ kind: Entry.Kind, _ desk: DeskFrame, _ view: TicketView, _ notice: TicketNotice) -> HTML {
    let t = desk.t
    let ticket = view.ticket
    let typed = notice.typed?.kind == kind ? notice.typed?.body : nil
    let text = typed ?? view.drafts[kind]?.body ?? ""
    let name = ticket.requesterLabel
    let isHere = notice.typed?.kind == kind
    let fault: HTML? =
        isHere
        ? notice.fault.map {
            "<p class=\"fault\" role=\"alert\" id=\"\(kind.rawValue)-fault\">\(t.fault($0.problem))</p>"
        } : nil
    let warned: HTML? =
        isHere && notice.isOutrun
        ? """
        <div class="outrun" role="alert"><strong>\(t("New activity since you started writing."))</strong> \
        \(t("Review it above, then send. What you wrote is still here."))\
        <input type="hidden" name="anyway" value="\(view.lastEntry)"></div>
        """ : nil
    let label = kind == .reply ? t("Reply to {0}", name) : t("Internal note")
    let people: [HTML] = ([name] + view.whole.collaborators.map(\.address)).map {
        "<span class=\"person cut\" dir=\"auto\">\($0)</span>"
    }
    let to: HTML =
        kind == .reply ? "<span>\(t("To"))</span>\(people)" : "<span>\(t("Only agents see notes."))</span>"
    let hint = kind == .reply ? t("Reply to {0}…", name) : t("Write a note to your colleagues…")
    let kept: [HTML] = (view.drafts[kind]?.files ?? []).map {
        """
        <li><label><input type="checkbox" name="kept" value="\($0.id)" checked> \($0.file.name)</label> \
        <span class="quiet small">\(fileSize($0.file.size))</span></li>
        """
    }
    let files: HTML? =
        kept.isEmpty ? nil : "<ul class=\"files\" aria-label=\"\(t("Attachments"))\">\(kept)</ul>"
    let canned: HTML?
    if kind == .reply, !view.choices.cannedReplies.isEmpty {
        let options: [HTML] = view.choices.cannedReplies.map { "<option value=\"\($0.id)\">\($0.name)</option>" }
        canned =
            """
            <select id="canned" aria-label="\(t("Canned reply"))" \
            data-canned="\(href: partPath(ticket.number, "canned", at: nil))" hidden>\
            <option value="">\(t("Insert canned reply"))</option>\(options)</select>
            """
    } else {
        canned = nil
    }
    return """
        <form class="box \(kind.rawValue)" method="post" enctype="multipart/form-data" \
        action="\(href: partPath(ticket.number, "entries", at: desk.position))" \
        data-draft="\(href: partPath(ticket.number, "draft", at: desk.position))">\
        <input type="hidden" name="csrf" value="\(desk.csrf)">\
        <input type="hidden" name="kind" value="\(kind.rawValue)">\
        \(onceField())<input type="hidden" name="seen" value="\(view.lastEntry)">\(warned)\(fault)\
        <label class="unseen" for="\(kind.rawValue)-body">\(label)</label>\
        <div class="people" tabindex="-1">\(to)</div>\
        <textarea dir="auto" id="\(kind.rawValue)-body" name="body" rows="1" placeholder="\(hint)">
        \(typed: text)</textarea>\
        \(canned == nil ? nil : "<p class=\"fault\" role=\"alert\" data-canned-fault hidden></p>" as HTML?)\
        \(files)<ul class="files" data-chosen></ul><div class="foot" tabindex="-1">\
        <label class="button plain icon-only" for="\(kind.rawValue)-files" title="\(t("Attach files"))">\
        \(Icon.clip.html)</label><input class="unseen" type="file" multiple name="attachments" \
        id="\(kind.rawValue)-files" aria-label="\(t("Attach files"))">\(canned)\
        \(send(kind, desk, ticket, again: notice.isOutrun && isHere))</div></form>
        """
}

/// One button that sends, with the other ways of sending in its menu.
private func send(_ kind: Entry.Kind, _ desk: DeskFrame, _ ticket: Ticket, again: Bool) -> HTML {
    let t = desk.t
    guard kind == .reply else {
        return """
            <span class="split"><button class="button primary" name="then" value="" data-send \
            title="Ctrl ↵">\(t("Add note"))</button></span>
            """
    }
    let ways: [(value: String, title: String, isOffered: Bool)] = [
        ("wait", t("Send & set pending"), TicketAction.wait.isAllowed(in: ticket.state)),
        ("resolve", t("Send & resolve"), TicketAction.resolve.isAllowed(in: ticket.state)),
        ("next", t("Send & next ticket"), desk.position != nil),
    ]
    let items: [HTML] = ways.filter(\.isOffered).map {
        "<button name=\"then\" value=\"\($0.value)\">\($0.title)</button>"
    }
    let menu: HTML? =
        items.isEmpty
        ? nil
        : """
        <details class="more up"><summary class="button primary" aria-label="\(t("More ways to send"))">\
        \(Icon.chevron.html)</summary><div class="menu">\(items)</div></details>
        """
    return """
        <span class="split"><button class="button primary" name="then" value="" data-send title="Ctrl ↵">\
        \(again ? t("Send anyway") : t("Send"))</button>\(menu)</span>
        """
}
