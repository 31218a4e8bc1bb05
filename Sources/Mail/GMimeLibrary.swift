import CGMime

/// GMime's tables, set up once for all that use it: its own `g_mime_init` lets a second caller go on before the first
/// is done.
enum GMimeLibrary {
    private static let started: Void = { g_mime_init() }()
    static func start() { _ = started }

    /// A parser over bytes that are not copied; all that was made of it has to be let go of before `body` returns.
    static func parse<T>(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeMutablePointer<GMimeParser>?) -> T) -> T {
        start()
        let array = usher_array_over(bytes.baseAddress, bytes.count)
        let stream = usher_stream_over(array)
        let parser = g_mime_parser_new_with_stream(stream)
        defer {
            usher_unref(parser)
            usher_unref(stream)
            usher_array_leave(array)
        }
        return body(parser)
    }
}
