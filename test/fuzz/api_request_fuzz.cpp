// Requests of every role against a small controller in memory. Input: a line "ROLE METHOD PATH[?QUERY]" (role v, o, a,
// or anything else for none), then the body. Whatever comes: an answer with a status, errors with a code and a
// sentence, nothing the role does not permit, and no contradiction inside the program (SWB-BUG).
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "api/api.h"
#include "base/assert.h"
#include "dispatch/local_verbs.h"
#include "store/memory_store.h"

namespace {

using namespace swb;

constexpr const char* roles = "voa";
constexpr size_t inputsPerWorld = 200;  // a world with a thousand applications is slow and tests nothing more

struct Directory {
    Directory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "swb-api-fuzz-XXXXXX").string();
        path = mkdtemp(pattern.data());
    }
    ~Directory() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

// What costs time to make and does not change.
struct Lasting {
    Directory directory;
    SystemClock clock;
    std::unique_ptr<dispatch::Publisher> publisher;
    std::unique_ptr<crypto::CertificateAuthority> authority;
    std::unique_ptr<crypto::Sealer> sealer;
    std::unique_ptr<dispatch::ZoneSigners> signers;

    Lasting() {
        dispatch::ZoneSettings zone;
        zone.zone = "fo.example";
        zone.nameServers = {{"ns1", {"127.0.0.1"}}};
        dns::ServerOptions options;
        options.endpoints = {{dns::IpAddress::fromText("127.0.0.1").value(), 0}};
        publisher = dispatch::Publisher::start({zone}, directory.path + "/zones", options).value();
        const auto files = crypto::createAuthority("fuzz", 10).value();
        authority = std::make_unique<crypto::CertificateAuthority>(
            crypto::CertificateAuthority::load(files.certificatePem, files.keyPem).value());
        sealer = std::make_unique<crypto::Sealer>(crypto::Sealer::load(directory.path + "/seal.key").value());
        signers = std::make_unique<dispatch::ZoneSigners>(
            dispatch::ZoneSigningSettings{directory.path + "/dnssec", {}, {}, {}, {}}, *sealer, clock);
        publisher->setSigner(signers->hook());
    }
};

Lasting& lasting() {
    static Lasting made;
    return made;
}

class World {
  public:
    World()
        : store_(lasting().clock),
          fleet_(lasting().clock, "0.1.0"),
          verbs_(store_, *lasting().publisher, *lasting().authority, *lasting().sealer, lasting().clock),
          inspector_(store_, fleet_, lasting().clock),
          conductor_(store_, fleet_, verbs_, lasting().clock),
          links_(store_, fleet_, conductor_, lasting().clock),
          api_(api::Context{store_, fleet_, conductor_, inspector_, links_, *lasting().publisher, *lasting().signers,
                            *lasting().authority, *lasting().sealer, lasting().clock, "fo.example",
                            "https://controller.example:8443", "0.1.0"}) {
        for (const Role role : {Role::viewer, Role::operator_, Role::admin})
            tokens_.push_back(
                api::createToken(store_, std::string(nameOf(role)), role, 0, "fuzz").value().secret.reveal());
        SWB_ASSERT(conductor_.start(), "a conductor starts over an empty store");
        for (const char* site : {"fra", "nyc"}) {
            ask("a POST /v1/sites", R"({"name": ")" + std::string(site) + "\"}");
            const std::string server = std::string(site) + "-1";
            store::Commit commit;
            commit.puts.push_back({"server", server, store::mustNotExist, toJson(Server{server, site, 1, "f"})});
            SWB_ASSERT(store_.commit(commit), "a server is put");
            ask("a PUT /v1/applications",
                R"({"application": "shop-)" + std::string(site) + R"(", "site": ")" + site +
                    R"(", "web": [{"server": ")" + server +
                    R"(", "address": "192.0.2.1", "listen": [80], "upstream": "127.0.0.1:3000"}]})");
        }
        ask("a POST /v1/groups", R"({"name": "shop", "primary": "shop-fra", "secondary": "shop-nyc"})");
    }
    ~World() { conductor_.stop(); }

    void ask(std::string_view line, std::string_view body) {
        api::Request request;
        const std::string role(line.substr(0, 1));
        const size_t found = std::string_view(roles).find(role);
        if (!role.empty() && found != std::string_view::npos) request.authorization = "Bearer " + tokens_[found];
        line.remove_prefix(std::min<size_t>(2, line.size()));
        const size_t blank = line.find(' ');
        request.method = std::string(line.substr(0, blank));
        line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
        request.path = std::string(line.substr(0, line.find('?')));
        if (const size_t mark = line.find('?'); mark != std::string_view::npos)
            readQuery(line.substr(mark + 1), request);
        request.contentType = body.starts_with('{') ? "application/json" : "application/yaml";
        request.body = std::string(body);
        request.remoteAddress = "192.0.2.99";
        const api::Response response = api_.handle(request);
        SWB_ASSERT(response.status >= 200 && response.status < 600, "every request is answered");
        const Json* error = memberAt(response.body, "error");
        SWB_ASSERT((response.status >= 400) == (error != nullptr), "an error has its body, and nothing else has");
        if (error) {
            SWB_ASSERT(textAt(*error, "code") != "SWB-BUG", "no input makes the program contradict itself");
            SWB_ASSERT(codeFromName(textAt(*error, "code")) && !textAt(*error, "message").empty(), "errors say why");
        }
        const bool open = request.path == "/v1/health" || request.path == "/v1/join";
        SWB_ASSERT(!request.authorization.empty() || open || response.status == 401, "nothing is told without a token");
    }

  private:
    static void readQuery(std::string_view text, api::Request& request) {
        while (!text.empty() && request.query.size() < 16) {
            const std::string_view pair = text.substr(0, text.find('&'));
            const size_t equals = pair.find('=');
            request.query.emplace_back(pair.substr(0, equals),
                                       equals == std::string_view::npos ? "" : pair.substr(equals + 1));
            text.remove_prefix(std::min(text.size(), pair.size() + 1));
        }
    }

    store::MemoryStore store_;
    dispatch::Fleet fleet_;
    dispatch::ControllerVerbs verbs_;
    dispatch::Inspector inspector_;
    dispatch::Conductor conductor_;
    dispatch::LinkWatch links_;
    api::Api api_;
    std::vector<std::string> tokens_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static std::unique_ptr<World> world;
    static size_t inputs = 0;
    (void)lasting();  // made first, so that it is there until the last world has gone
    if (inputs++ % inputsPerWorld == 0) {
        world.reset();
        world = std::make_unique<World>();
    }
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const size_t end = text.find('\n');
    world->ask(text.substr(0, end), end == std::string_view::npos ? "" : text.substr(end + 1));
    return 0;
}
