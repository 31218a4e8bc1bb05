-- One script for all runs: MODE, FIRST and COUNT (ticket numbers), KEY, WORDS come from the environment.
local mode, key = os.getenv("MODE"), os.getenv("KEY") or ""
local first, count = tonumber(os.getenv("FIRST") or "1"), tonumber(os.getenv("COUNT") or "1")
local threads = 0
function setup(thread) thread:set("id", threads); threads = threads + 1 end

function init()
  math.randomseed(id * 7919 + 1)
  n = 0
  headers = { ["Authorization"] = "Bearer " .. key, ["Content-Type"] = "application/json" }
  cookie = { ["Cookie"] = "usher_session=" .. (os.getenv("SESSION") or ""), ["Accept"] = "text/html" }
  words = {}
  for word in string.gmatch(os.getenv("WORDS") or "", "[^,]+") do words[#words + 1] = word end
  open = {}
  for number in string.gmatch(os.getenv("OPEN") or "", "%d+") do open[#open + 1] = number end
  run = os.time()
end

function request()
  n = n + 1
  local number = first + math.random(0, count - 1)
  if mode == "bare" then return wrk.format("GET", os.getenv("BARE") or "/healthz") end
  if mode == "list" then return wrk.format("GET", "/api/v1/tickets?limit=50", headers) end
  if mode == "next" then return wrk.format("GET", "/api/v1/tickets?limit=50&sort=urgency&query=state:active", headers) end
  if mode == "ticket" then return wrk.format("GET", "/api/v1/tickets/" .. number, headers) end
  if mode == "entries" then return wrk.format("GET", "/api/v1/tickets/" .. number .. "/entries", headers) end
  if mode == "search" then return wrk.format("GET", "/api/v1/tickets?limit=50&query=" .. words[math.random(#words)] .. "+" .. words[math.random(#words)], headers) end
  -- Pages, signed in.
  if mode == "page list" then return wrk.format("GET", "/desk?list=open&sort=newest", cookie) end
  if mode == "page next" then return wrk.format("GET", "/desk?list=open", cookie) end
  if mode == "page ticket" then return wrk.format("GET", "/desk/tickets/" .. number, cookie) end
  if mode == "page search" then return wrk.format("GET", "/desk/search?query=" .. words[math.random(#words)] .. "+" .. words[math.random(#words)], cookie) end
  if mode == "page home" then return wrk.format("GET", "/") end
  if mode == "page form" then return wrk.format("GET", "/tickets/new") end
  if mode == "floor" then return wrk.format("POST", "/ticket", headers, "{}") end
  if mode == "create" then
    local who = string.format("c%d-%d-%d", run, id, n)
    return wrk.format("POST", "/api/v1/tickets", headers, '{"requester":{"email":"' .. who .. '@bench.example","name":"Customer ' .. who ..
      '"},"subject":"Scanner sends empty pages","body":"Since this morning every page comes out white.","topic":"Report a problem"}')
  end
  if mode == "reply" then
    return wrk.format("POST", "/api/v1/tickets/" .. open[math.random(#open)] .. "/entries", headers, '{"kind":"reply","author":"agent-2@seed.example","body":"Please clean the glass and try again."}')
  end
end

function done(summary, latency, requests)
  local bad = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %.1f %.3f %.3f %.3f %d\n", summary.requests / (summary.duration / 1e6),
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000, bad))
end
