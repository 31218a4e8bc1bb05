import Mail

/// The mark of a browser that has signed in to an account: random, and signed together with the account, so that it
/// says nothing about any other account and every device has one of its own.
package enum DeviceMark {
    package static func make(for email: String, _ signer: Signer) -> String {
        let id = Secret.random()
        return "\(id)-\(signer.mark("\(id)|\(MailAddress.folded(email))", for: .device))"
    }
    package static func isGenuine(_ mark: String, of email: String, _ signer: Signer) -> Bool {
        let parts = mark.split(separator: "-", omittingEmptySubsequences: false)
        guard mark.utf8.count <= 100, parts.count == 2 else { return false }
        return signer.isGenuine(
            String(parts[1]), of: "\(parts[0])|\(MailAddress.folded(email.trimmingWhitespace()))", for: .device)
    }
}
