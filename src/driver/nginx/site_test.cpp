#include "driver/nginx/site.h"

#include <gmock/gmock.h>

#include <set>

namespace swb::driver::nginx {
namespace {

WebSpec validWeb() {
    WebSpec web;
    web.address = "127.0.0.1";
    web.listen = {"8080", "127.0.0.2:80"};
    web.upstream = {"127.0.0.1", 3000};
    web.service.config = "/srv/front/nginx.conf";
    return web;
}

// Each changes one word of a valid definition into an attempt to say something to nginx.
struct Attempt {
    std::string name;
    std::function<void(std::string&, WebSpec&, MaintenanceSpec&)> change;
};

TEST(NginxSite, wordsThatWouldSpeakToNginxAreRefused) {
    const std::vector<Attempt> attempts = {
        {"application", [](auto& application, auto&, auto&) { application = "shop;}"; }},
        {"application with a path", [](auto& application, auto&, auto&) { application = "../shop"; }},
        {"server name", [](auto&, auto& web, auto&) { web.serverName = "a; return 200"; }},
        {"server name comment", [](auto&, auto& web, auto&) { web.serverName = "#a"; }},
        {"server name expression", [](auto&, auto& web, auto&) { web.serverName = "~.*"; }},
        {"server name variable", [](auto&, auto& web, auto&) { web.serverName = "$hostname"; }},
        {"server name newline", [](auto&, auto& web, auto&) { web.serverName = "a\nb"; }},
        {"upstream", [](auto&, auto& web, auto&) { web.upstream.host = "unix:/run/x.sock;"; }},
        {"address", [](auto&, auto& web, auto&) { web.address = "0.0.0.0;"; }},
        {"certificate quote", [](auto&, auto& web, auto&) { web.certificate = "/a\"; alias /etc; \""; }},
        {"certificate variable", [](auto&, auto& web, auto&) { web.key = "/etc/$host"; }},
        {"certificate escape", [](auto&, auto& web, auto&) { web.key = "/etc/a\\"; }},
        {"certificate newline", [](auto&, auto& web, auto&) { web.key = "/etc/a\nb"; }},
        {"network",
         [](auto&, auto&, auto& maintenance) { maintenance.bypassAddresses = {"10.0.0.0/8 1; include /etc/passwd"}; }},
        {"network prefix", [](auto&, auto&, auto& maintenance) { maintenance.bypassAddresses = {"10.0.0.0/33"}; }},
        {"network of everything by name",
         [](auto&, auto&, auto& maintenance) { maintenance.bypassAddresses = {"default"}; }},
        {"cookie expression", [](auto&, auto&, auto& maintenance) { maintenance.bypassCookie = ".*"; }},
        {"cookie quote", [](auto&, auto&, auto& maintenance) { maintenance.bypassCookie = "a\" 1; default 1; \""; }},
        {"page size", [](auto&, auto&, auto& maintenance) { maintenance.page.assign(300 << 10, 'x'); }},
    };
    ASSERT_TRUE(checkWords("shop-fra", validWeb(), {}));
    for (const Attempt& attempt : attempts) {
        std::string application = "shop-fra";
        WebSpec web = validWeb();
        MaintenanceSpec maintenance;
        attempt.change(application, web, maintenance);
        EXPECT_FALSE(checkWords(application, web, maintenance)) << attempt.name;
    }
}

TEST(NginxSite, pathsOfTheServiceAreRefusedAlike) {
    for (const char* config :
         {"relative/nginx.conf", "/srv/\"x/nginx.conf", "/srv/$a/nginx.conf", "/srv/*/nginx.conf", ""}) {
        WebSpec web = validWeb();
        web.service.config = config;
        EXPECT_FALSE(layoutOf(web)) << config;
    }
    WebSpec web = validWeb();
    web.service.runAs = "root; worker_processes 99";
    EXPECT_FALSE(layoutOf(web));
    web = validWeb();
    web.service.manage = Manage::systemd;
    web.service.unit = "--now";
    EXPECT_FALSE(layoutOf(web));
    web.service.manage = Manage::pg_ctlcluster;
    EXPECT_FALSE(layoutOf(web));
}

TEST(NginxSite, layoutsOfBothKinds) {
    const Layout direct = *layoutOf(validWeb());
    EXPECT_EQ(direct.siteFile("shop-fra"), "/srv/front/sites/swingbridge-shop-fra.conf");
    EXPECT_EQ(direct.flagFile("shop-fra"), "/srv/front/maintenance/swingbridge-shop-fra.maintenance");
    EXPECT_EQ(direct.pidFile(), "/srv/front/nginx.pid");
    WebSpec web = validWeb();
    web.service = {};
    web.service.manage = Manage::systemd;
    const Layout packaged = *layoutOf(web);
    EXPECT_EQ(packaged.siteFile("shop-fra"), "/etc/nginx/conf.d/swingbridge-shop-fra.conf");
    EXPECT_EQ(packaged.flagFile("shop-fra"), "/var/lib/swingbridge/nginx/swingbridge-shop-fra.maintenance");
    EXPECT_EQ(packaged.unit, "nginx.service");
}

TEST(NginxSite, listensWhereTheAddressIs) {
    const Layout layout = *layoutOf(validWeb());
    const std::string local = renderSite("shop", validWeb(), {}, layout, AddressKind::local).text;
    EXPECT_THAT(local, testing::HasSubstr("listen 127.0.0.1:8080;\n    listen 127.0.0.2:80;"));
    const std::string translated = renderSite("shop", validWeb(), {}, layout, AddressKind::translated).text;
    EXPECT_THAT(translated, testing::HasSubstr("listen 8080;\n    listen 127.0.0.2:80;"));
    WebSpec web = validWeb();
    web.certificate = web.key = "/srv/a.pem";
    web.listen = {"80", "[2001:db8::1]:443"};
    EXPECT_THAT(renderSite("shop", web, {}, layout, AddressKind::local).text,
                testing::HasSubstr("listen 127.0.0.1:80;\n    listen [2001:db8::1]:443 ssl http2;"));
    EXPECT_EQ(probeTarget(validWeb(), AddressKind::local).text(), "127.0.0.1:8080");
    EXPECT_EQ(probeOrigin(web, {"2001:db8::1", 443}), "https://[2001:db8::1]:443");
    web.serverName = "*.shop.example";
    EXPECT_EQ(probeOrigin(web, {"127.0.0.1", 80}), "http://www.shop.example:80");
}

// A limit_conn in a location hides those of the http block around it.
TEST(NginxSite, countsRequestsOnlyWhereTheyAreWaitedFor) {
    const Layout layout = *layoutOf(validWeb());
    MaintenanceSpec maintenance;
    EXPECT_THAT(renderSite("shop", validWeb(), maintenance, layout, AddressKind::local).text,
                testing::HasSubstr("limit_conn_dry_run on;"));
    maintenance.drainMs = 0;
    EXPECT_THAT(renderSite("shop", validWeb(), maintenance, layout, AddressKind::local).text,
                testing::Not(testing::HasSubstr("limit_conn")));
}

TEST(NginxSite, theGenerationFollowsTheText) {
    const Layout layout = *layoutOf(validWeb());
    const Site first = renderSite("shop", validWeb(), {}, layout, AddressKind::local);
    EXPECT_EQ(generationPathOf(first.text), first.generationPath);
    MaintenanceSpec other;
    other.retryAfterSeconds = 31;
    EXPECT_NE(renderSite("shop", validWeb(), other, layout, AddressKind::local).generationPath, first.generationPath);
    EXPECT_EQ(renderSite("shop", validWeb(), {}, layout, AddressKind::local).text, first.text);
    EXPECT_EQ(generationPathOf("server {}"), "");
}

TEST(NginxSite, variableNamesNeverMeet) {
    const std::string long1(63, 'a'), long2 = std::string(62, 'a') + "b";
    std::set<std::string> tokens;
    for (const std::string& name : {std::string("a"), std::string("a-b"), std::string("ab"), std::string(27, 'a'),
                                    std::string(28, 'a'), long1, long2}) {
        const std::string token = variableToken(name);
        EXPECT_LE(token.size(), 28u);
        EXPECT_EQ(token.find('-'), std::string::npos);
        EXPECT_TRUE(tokens.insert(token).second) << name;
    }
}

TEST(NginxSite, thePageNeedsNothingFromElsewhere) {
    const std::string page = defaultPage();
    for (const char* foreign : {"http://", "https://", "url(", "@import", "<script", "<img"})
        EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
    EXPECT_THAT(page, testing::HasSubstr("<html lang=\"en\">"));
}

}  // namespace
}  // namespace swb::driver::nginx
