// The loopback world: two sites, each with a server, an agent, databases of the engines wanted, nginx and the example
// application, and one controller, in one directory, as one unprivileged user. `swing lab` starts it, shows it, loads
// it and removes it.
//
//     command ─► up ─► supervisor (background; starts and restarts swingd and the agents)
//        │        └──► swingd init, swing-agent join, and `swing …` for everything else, as a person would
//        ├─► status   what is where        ├─► load   writes through the failover address and keeps score
//        └─► down     ends everything that belongs to the directory, then the directory
//
// This header is the pure part: names, addresses, ports, paths, and the texts made of them. Several labs run at once:
// each has a number of its own, the second octet of all its addresses. A lab never touches what is outside its
// directory (and one directory for sockets, where the paths would be too long), and never needs a privilege.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/secret.h"
#include "model/application.h"

namespace swb::lab {

constexpr const char* zoneName = "lab.test";
constexpr const char* groupName = "shop";
constexpr int64_t addressTtlSeconds = 2;
constexpr const char* databaseName = "shop";
constexpr const char* databaseUser = "shop";
constexpr const char* replicaName = "reports";  // of the replicas inside the applications
constexpr uint16_t claimPort =
    5299;  // UDP at controllerAddress(): held by the lab's supervisor, marks the number taken

struct DatabasePorts {
    uint16_t port = 0;
    uint16_t secondPort = 0;  // redis: for the other site; mariadb: for physical copies; 0: there is none
};

struct Site {
    std::string name;    // "fra"
    std::string title;   // "Frankfurt"
    std::string server;  // "fra-1"
    std::string application;
    std::string address;  // 127.N.10.1
    uint16_t webPort = 8080, processPort = 3000;
    std::map<Engine, DatabasePorts> databases;  // of every engine of the lab
    std::string replica = {};  // whose servers these are: empty: the databases', else the replicas' of that name

    std::string url() const { return "http://" + address + ":" + std::to_string(webPort); }
};

struct LabDatabase {
    Engine engine = Engine::postgresql;
    std::string programs;  // directory of the server's programs
};

struct World {
    static constexpr const char* temporaryPattern = "/tmp/swb-lab-XXXXXX";  // of sockets whose paths would be too long

    std::string directory;           // absolute
    std::string socketDirectory;     // the same, or a short one under /tmp
    std::string programs;            // directory of swingd, swing-agent and swing
    std::string nginx;               // directory of nginx's program
    std::string user;                // as whom everything runs
    std::string startedBy;           // who may use the administrators' connections too
    std::string state = "starting";  // "up" once everything stands
    std::string caPin;
    int number = 0;
    uint16_t apiPort = 8443, dnsPort = 5300;
    pid_t starterPid = 0;  // the `up` at work while state is "starting"
    uint64_t starterTicks = 0;
    bool replicas = false;               // a replica of each database inside each application
    Secret password;                     // of the application's user in every database
    std::vector<LabDatabase> databases;  // one for each engine, in the order of allEngines()
    std::vector<Site> sites;

    std::string controllerAddress() const { return "127." + std::to_string(number) + ".0.1"; }
    std::string url() const { return "https://" + controllerAddress() + ":" + std::to_string(apiPort); }
    std::string dnsServer() const { return controllerAddress() + ":" + std::to_string(dnsPort); }
    std::string failoverName() const { return std::string(groupName) + "." + zoneName; }

    std::string stateFile() const { return directory + "/lab.json"; }
    std::string logDirectory() const { return directory + "/log"; }
    std::string controllerDirectory() const { return directory + "/controller"; }
    std::string tokenFile() const { return controllerDirectory() + "/admin.token"; }
    std::string authorityFile() const { return controllerDirectory() + "/ca.pem"; }
    std::string environmentFile() const { return directory + "/env"; }
    std::string siteDirectory(const Site& site) const { return directory + "/" + placeOf(site); }
    std::string agentDirectory(const Site& site) const { return siteDirectory(site) + "/agent"; }
    std::string databaseDirectory(const Site& site, Engine engine) const {
        return siteDirectory(site) + "/" + std::string(nameOf(engine));
    }
    std::string socketsOf(const Site& site) const { return socketDirectory + "/" + placeOf(site); }
    std::string nginxConfiguration(const Site& site) const { return siteDirectory(site) + "/nginx/nginx.conf"; }
    std::string codeDirectory(const Site& site) const { return siteDirectory(site) + "/shop"; }
    std::string definitionFile(const Site& site) const { return directory + "/" + site.application + ".yaml"; }

    std::string programsOf(Engine engine) const;
    std::vector<Engine> engines() const;
    // The site of that address; null when there is none.
    const Site* siteAt(const std::string& address) const;

  private:
    static std::string placeOf(const Site& site) {
        return site.replica.empty() ? site.server : site.server + "-" + site.replica;
    }
};

// The two sites, their addresses made of the number; the ports that are wanted first.
std::vector<Site> makeSites(int number, const std::vector<Engine>& engines);
// Where the replicas inside the site's application are: at an address of their own, of the same server.
Site replicasOf(const Site& site);
// 0 to 254, the same for the same directory: where the search for a free number begins. 0 is for the default directory.
int preferredNumber(const std::string& directory, bool isDefaultDirectory);
// Longest path of a unix socket below `directory` fits sockaddr_un.
bool socketsFit(const std::string& directory);

Json toJson(const World& world);
// Root reads this file too, and it belongs to an unprivileged user: nothing in it may lead outside of the lab.
Result<World> worldFromJson(const Json& value);

// shop-fra.yaml, as a person would write it.
std::string definitionText(const World& world, const Site& site);
// Shell assignments with which `swing` finds the lab's controller.
std::string environmentText(const World& world);

}  // namespace swb::lab
