import Desk

extension Call {
    func csrf(_ subject: String) -> String { desk.office.signer.mark(subject, for: .form) }
}
