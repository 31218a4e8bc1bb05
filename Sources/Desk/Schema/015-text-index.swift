import Store

extension Schema {
    static let textIndex = Migration("015-text-index") { $0.tuneTextIndex() }
}
