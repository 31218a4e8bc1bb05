import CGMime

/// GMime's tables, set up once for all that use it: its own `g_mime_init` lets a second caller go on before the first is done.
enum GMimeLibrary {
    private static let started: Void = { g_mime_init() }()
    static func start() { _ = started }
}
