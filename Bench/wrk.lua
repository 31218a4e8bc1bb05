-- One script for all runs. MODE, KEY, SESSION, PATHS, WORDS and the rest come from the environment.
local mode, key = os.getenv("MODE"), os.getenv("KEY") or ""
local first, count = tonumber(os.getenv("FIRST") or "1"), tonumber(os.getenv("COUNT") or "1")
local threads = 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end

local function split(name)
  local items = {}
  for item in string.gmatch(os.getenv(name) or "", "[^\n,]+") do items[#items + 1] = item end
  return items
end

function init()
  math.randomseed(id * 7919 + 1)
  n = 0
  headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
  sessions = split("SESSION")
  words, others, open, paths = split("WORDS"), split("OTHERS"), split("OPEN"), split("PATHS")
  run = os.time()
end

local function any(items) return items[math.random(#items)] end

-- As one of the people who are signed in, or as a guest.
local function browser()
  local own = os.getenv("COOKIE")
  if own then return { ["Accept"] = "text/html", ["Cookie"] = own } end
  if #sessions == 0 then return { ["Accept"] = "text/html" } end
  return { ["Accept"] = "text/html", ["Cookie"] = "usher_session=" .. any(sessions) }
end

-- W is a word of the first kind, V one of the second, N a number that no request had before.
local function filled(path)
  path = path:gsub("W", function() return any(words) end)
  path = path:gsub("V", function() return any(others) end)
  return (path:gsub("N", function() return string.format("%d%d%d", run % 1000, id, n) end))
end

local function create(who, text)
  return wrk.format("POST", "/api/v1/tickets", headers, '{"requester":{"email":"' .. who .. '@bench.example","name":"Customer ' .. who ..
    '"},"subject":"Scanner sends empty pages","body":"' .. text .. '","topic":"Report a problem"}')
end

function request()
  n = n + 1
  local number = first + math.random(0, count - 1)
  if mode == "bare" then return wrk.format("GET", "/healthz") end
  if mode == "pages" then return wrk.format("GET", filled(any(paths)), browser()) end
  if mode == "api" then return wrk.format("GET", filled(any(paths)), headers) end
  if mode == "page ticket" then return wrk.format("GET", "/desk/tickets/" .. number, browser()) end
  if mode == "ticket" then return wrk.format("GET", "/api/v1/tickets/" .. number, headers) end
  if mode == "entries" then return wrk.format("GET", "/api/v1/tickets/" .. number .. "/entries", headers) end
  if mode == "floor" then return wrk.format("POST", "/ticket", headers, "{}") end
  if mode == "create" then return create(string.format("c%d-%d-%d", run, id, n), "Since this morning every page comes out white.") end
  if mode == "reply" then
    return wrk.format("POST", "/api/v1/tickets/" .. any(open) .. "/entries", headers, '{"kind":"reply","author":"agent-2@seed.example","body":"Please clean the glass and try again."}')
  end
end

function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %.1f %.3f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, bad))
end
