import Desk
import Domain
import Foundation
import HTTPTypes
import Hummingbird
import Primitives

/// `/api/v1/openapi.json` (OpenAPI 3.1), made from the routes and the resources themselves, so that it cannot tell of
/// others.
enum OpenAPI {
    static var routes: [Route] {
        [.get("/api/v1/openapi.json", for: .anyone) { call in Answer(body: text(url: call.desk.office.url)).response }]
    }

    static func text(url: String) -> [UInt8] {
        var json = JSONText(capacity: 64 << 10)
        json.object { json in
            json.field("openapi", "3.1.0")
            json.field(
                "info",
                [
                    "title": "Usher", "version": "1",
                    "description":
                        """
                    The help desk's API. Errors are RFC 9457 problem documents. Send an Idempotency-Key with a POST to make a retry \
                    safe.
                    """,
                ])
            json.field("servers", [["url": .string(url)]])
            json.field("security", [["key": []]])
            json.field("paths", paths)
            json.field(
                "components", ["securitySchemes": ["key": ["type": "http", "scheme": "bearer"]], "schemas": schemas])
        }
        return json.bytes
    }

    private static var paths: JSON {
        var paths: [String: JSON] = [:]
        for (path, routes) in Dictionary(grouping: Web.routes.filter { $0.document != nil }, by: \.path) {
            var methods: [String: JSON] = [:]
            for route in routes { methods[route.method.rawValue.lowercased()] = operation(route) }
            let names = path.split(separator: "/").filter { $0.hasPrefix(":") }.map { $0.dropFirst() }
            if !names.isEmpty {
                methods["parameters"] = .array(
                    names.map { name in
                        let isText = name == "token"
                        let schema: JSON =
                            isText
                            ? ["type": "string", "pattern": "^[0-9a-z-]+$"]
                            : ["type": "integer", "minimum": 1, "maximum": 1_000_000_000_000]
                        return ["name": .string(String(name)), "in": "path", "required": true, "schema": schema]
                    })
            }
            let written = path.split(separator: "/").map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }
                .joined(separator: "/")
            paths["/" + written] = .object(methods)
        }
        return .object(paths)
    }

    private static func operation(_ route: Route) -> JSON {
        guard let document = route.document else { return .null }
        var operation: [String: JSON] = ["summary": .string(document.summary)]
        if route.access == .signedLink { operation["security"] = [] }
        var parameters: [JSON] = document.parameters.map { parameter in
            [
                "name": .string(parameter.name), "in": "query", "description": .string(parameter.meaning),
                "schema": JSON(parameter.schema) ?? .null,
            ]
        }
        if route.method == .post, route.access != .signedLink {
            parameters.append([
                "name": "Idempotency-Key", "in": "header",
                "description": "Makes a retry safe: the same key with the same request is carried out only once",
                "schema": ["type": "string", "maxLength": 255],
            ])
        }
        if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
        if let input = document.input {
            operation["requestBody"] = [
                "required": .bool(!["Action", "Solution", "Review", "Settings"].contains(input)),
                "content": ["application/json": ["schema": reference(input)]],
            ]
        }
        var responses: [String: JSON] = [String(document.status): success(document)]
        var problems = ["400", "422", "503"]
        if route.access != .signedLink { problems += ["401", "403"] }
        if route.path.contains(":") { problems.append("404") }
        if route.method != .get { problems += ["409", "413"] }
        for status in problems {
            responses[status] = [
                "description": "A problem", "content": ["application/problem+json": ["schema": reference("Problem")]],
            ]
        }
        operation["responses"] = .object(responses)
        return .object(operation)
    }

    private static func success(_ document: Route.Document) -> JSON {
        guard let output = document.output else { return ["description": "Done"] }
        if output == "File" {
            return [
                "description": "The bytes", "content": ["*/*": ["schema": ["type": "string", "format": "binary"]]],
            ]
        }
        guard output.hasSuffix(" list") else {
            return ["description": .string(output), "content": ["application/json": ["schema": reference(output)]]]
        }
        let items: JSON = ["type": "array", "items": reference(String(output.dropLast(5)))]
        return [
            "description": .string(output),
            "content": [
                "application/json": [
                    "schema": [
                        "type": "object", "required": ["items", "next"],
                        "properties": ["items": items, "next": ["type": ["string", "null"]]],
                    ]
                ]
            ],
        ]
    }

    private static func reference(_ name: String) -> JSON { ["$ref": .string("#/components/schemas/\(name)")] }

    private static var schemas: JSON {
        guard case .object(var schemas)? = JSON(String(decoding: PackageResources.schemas_json, as: UTF8.self)) else {
            return .null
        }
        for resource in Resource.all {
            let writable = resource.fields.filter { !$0.kind.isReadOnly }
            let input = Dictionary(uniqueKeysWithValues: writable.map { ($0.name, $0.kind.schema(isInput: true)) })
            let required = writable.filter(\.isRequired).map { JSON.string($0.name) }
            schemas["New\(resource.schemaName)"] = [
                "type": "object", "additionalProperties": false, "properties": .object(input),
                "required": .array(required),
            ]
            schemas["Changed\(resource.schemaName)"] = [
                "type": "object", "additionalProperties": false, "properties": .object(input),
            ]
            var output: [String: JSON] = ["id": ["type": "integer"]]
            for field in resource.fields where !field.kind.isWriteOnly {
                output[field.name] = field.kind.schema(isInput: false)
            }
            schemas[resource.schemaName] = [
                "type": "object", "properties": .object(output),
                "required": .array(output.keys.sorted().map(JSON.string)),
            ]
        }
        return .object(schemas)
    }
}

extension Resource.Kind {
    fileprivate func schema(isInput: Bool) -> JSON {
        let wanted: JSON = ["$ref": "#/components/schemas/Wanted"]
        let reference: JSON = ["$ref": "#/components/schemas/Reference"]
        let person: JSON = ["$ref": "#/components/schemas/Person"]
        let email: JSON = ["$ref": "#/components/schemas/Email"]
        let null: JSON = ["type": "null"]
        switch self {
        case .text(_, let most): return ["type": "string", "maxLength": JSON(Int64(most))]
        case .optionalText(_, let most): return ["type": ["string", "null"], "maxLength": JSON(Int64(most))]
        case .slug: return ["type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": 100]
        case .address: return isInput ? email : ["type": "string"]
        case .integer(_, let range):
            return [
                "type": "integer", "minimum": JSON(Int64(range.lowerBound)), "maximum": JSON(Int64(range.upperBound)),
            ]
        case .optionalInteger(_, let range):
            return [
                "type": ["integer", "null"], "minimum": JSON(Int64(range.lowerBound)),
                "maximum": JSON(Int64(range.upperBound)),
            ]
        case .flag: return ["type": "boolean"]
        case .choice(_, let words): return ["type": "string", "enum": .array(words.map(JSON.string))]
        case .optionalPriority: return ["anyOf": [["$ref": "#/components/schemas/Priority"], null]]
        case .secret: return ["type": ["string", "null"], "maxLength": 20_000]
        case .priority: return ["$ref": "#/components/schemas/Priority"]
        case .timeZone: return ["type": "string", "description": "As in the IANA database: Europe/Berlin"]
        case .hours:
            let times: JSON = [
                "type": "array",
                "items": [
                    "type": "array", "minItems": 2, "maxItems": 2,
                    "items": ["type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$"],
                ],
            ]
            return [
                "type": "object", "additionalProperties": false,
                "properties": .object(Dictionary(uniqueKeysWithValues: Schedule.weekdays.map { ($0, times) })),
            ]
        case .targets:
            let clocks: JSON = [
                "type": "object",
                "properties": ["first_response": ["type": "string"], "resolution": ["type": "string"]],
                "additionalProperties": .bool(false),
            ]
            return [
                "type": "object",
                "properties": .object(Dictionary(uniqueKeysWithValues: Priority.words.map { ($0, clocks) })),
                "additionalProperties": .bool(false),
            ]
        case .holidays: return ["type": "array", "items": ["type": "string", "format": "date"]]
        case .topicFields:
            let kinds = JSON.array(TopicField.Kind.allCases.map { .string($0.rawValue) })
            let field: JSON = [
                "type": "object", "required": ["key", "label"],
                "properties": [
                    "key": ["type": "string", "pattern": "^[a-z0-9_]{1,40}$"],
                    "label": ["type": "string", "minLength": 1, "maxLength": 200],
                    "kind": ["type": "string", "enum": kinds],
                    "required": ["type": "boolean"], "options": ["type": "array", "items": ["type": "string"]],
                ],
            ]
            return ["type": "array", "maxItems": JSON(Int64(TopicField.most)), "items": field]
        case .password: return ["type": "string", "minLength": JSON(Int64(Password.shortest)), "maxLength": 1000]
        case .moment: return ["type": "string", "format": "date-time"]
        case .reference: return ["anyOf": [isInput ? wanted : reference, null]]
        case .agent: return ["anyOf": [isInput ? email : person, null]]
        case .references: return ["type": "array", "items": isInput ? wanted : reference]
        case .agents: return ["type": "array", "items": isInput ? email : person]
        case .texts: return ["type": "array", "items": ["type": "string"]]
        case .view(let part): return part.schema(isInput: isInput)
        }
    }
}
