// swift-tools-version:6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    // Literals and rows are generic and in modules of their own: without this each is called the slow way.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let package = Package(
    name: "usher",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "usher", targets: ["usher"])],
    // Exact, so that a clone makes the same program in a year; a new version is a commit of its own.
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // System libraries; the few lines of C are inline functions beside each module map.
        .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CGMime", pkgConfig: "gmime-3.0", providers: [.apt(["libgmime-3.0-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(
            name: "CMarkdown", pkgConfig: "libcmark-gfm",
            providers: [.apt(["libcmark-gfm-dev", "libcmark-gfm-extensions-dev"])]),

        .systemLibrary(name: "CMemory"),
        .systemLibrary(name: "CResolver"),
        .systemLibrary(name: "CQRCode", pkgConfig: "libqrencode", providers: [.apt(["libqrencode-dev"])]),
        .systemLibrary(name: "CUchardet", pkgConfig: "uchardet", providers: [.apt(["libuchardet-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        .target(name: "Primitives", swiftSettings: strict),
        // Pure: what is decided about a ticket. A house rule keeps every other import out.
        .target(name: "Domain", dependencies: ["Primitives"], swiftSettings: strict),
        .target(name: "Markup", dependencies: ["Primitives"], swiftSettings: strict),
        .target(
            name: "Store",
            dependencies: [
                "Primitives", "CPostgreSQL",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "Mail",
            dependencies: [
                "Markup", "Primitives", "CGMime", "CCurl", "CUchardet", "CResolver",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "Desk",
            dependencies: [
                "Domain", "Store", "Mail", "Markup", "Primitives", "CMarkdown", "CZlib",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "Web",
            dependencies: [
                "Desk", "Domain", "Markup", "Mail", "Primitives", "Store", "CQRCode",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            resources: [
                .embedInCode("Assets/usher.css"), .embedInCode("Assets/desk.css"), .embedInCode("Assets/portal.css"),
                .embedInCode("Assets/icons.svg"), .embedInCode("Assets/desk.js"), .embedInCode("Assets/portal.js"),
                .embedInCode("Assets/writing.js"), .embedInCode("Assets/richtext.js"),
                .embedInCode("Assets/palette.js"),
                .embedInCode("Assets/dev.js"), .embedInCode("Assets/usher.svg"),
                .embedInCode("Assets/de.json"), .embedInCode("Office/schemas.json"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "usher",
            dependencies: [
                "Web", "Desk", "Domain", "Store", "Mail", "Primitives", "CMemory",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),
        // The floor `make bench` compares with: the bare statements of a new ticket over HTTP, nothing else.
        .executableTarget(
            name: "floor",
            dependencies: ["Primitives", "Store", .product(name: "Hummingbird", package: "hummingbird")],
            path: "Bench/floor",
            swiftSettings: strict),
        .target(
            name: "DeskTesting",
            dependencies: [
                "Desk", "Domain", "Store", "Mail", "Markup", "Primitives",
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/DeskTesting",
            swiftSettings: strict),
        .target(name: "Measuring", path: "Tests/Measuring", swiftSettings: strict),
        .testTarget(name: "DomainTests", dependencies: ["Domain", "Primitives"], swiftSettings: strict),
        .testTarget(name: "MarkupTests", dependencies: ["Markup", "Primitives"], swiftSettings: strict),
        .testTarget(
            name: "StoreTests", dependencies: ["Store", "Desk", "DeskTesting", "Domain", "Measuring", "Primitives"],
            swiftSettings: strict),
        .testTarget(
            name: "MailTests",
            dependencies: [
                "Mail", "Measuring", "Primitives", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "DeskTests", dependencies: ["Desk", "DeskTesting", "Domain", "Measuring", "Primitives"],
            swiftSettings: strict),
        .testTarget(
            name: "WebTests",
            dependencies: [
                "Web", "DeskTesting", "Domain", "Primitives",
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)

// libFuzzer brings the main function: `make fuzz` alone builds it.
if Context.environment["USHER_FUZZ"] != nil {
    package.products.append(.executable(name: "fuzz", targets: ["fuzz"]))
    package.targets.append(
        .executableTarget(
            name: "fuzz", dependencies: ["Desk", "Mail", "Markup", "Primitives"], path: "Fuzz", exclude: ["seeds"],
            sources: ["Fuzz.swift"], swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
