// What MariaDB and MySQL say differently: the statements of replication and read-only mode, the columns of the
// replica's status, and how two positions compare. Everything else of the driver speaks to both alike. Pure text; no
// connection.
#pragma once

#include <string>
#include <string_view>

#include "driver/mariadb/connection.h"
#include "driver/mariadb/gtid.h"
#include "model/application.h"

namespace swb::driver::mariadb {

// Where a replica gets its log from. Files are of the replica's own TLS directory.
struct SourceAddress {
    std::string host;
    uint16_t port = 0;
    std::string user;
    std::string authorityFile, certificateFile, keyFile;
};

// Columns of the replica's status.
struct ReplicaColumns {
    const char* receiver;  // Yes, No, Connecting
    const char* applier;   // Yes, No
    const char* host;
    const char* port;
    const char* receiverError;
    const char* applierError;
    const char* appliedFile;  // of the source's log, as far as applied
    const char* appliedPosition;
    const char* receivedFile;
    const char* receivedPosition;
    const char* delaySeconds;
    const char* behindSeconds;
};

class Dialect {
  public:
    virtual ~Dialect() = default;
    static const Dialect& of(Engine engine);

    virtual Engine engine() const = 0;
    virtual std::string_view product() const = 0;  // "MariaDB"

    // Positions.
    virtual std::string_view writtenPosition() const = 0;   // expression: what this server's log ends with
    virtual std::string_view appliedPosition() const = 0;   // expression: what it applied as a replica
    virtual std::string_view receivedPosition() const = 0;  // expression, or NULL where the status has it
    virtual Result<Relation> relation(std::string_view here, std::string_view there) const = 0;
    // The two positions of one server as one: MariaDB's log does not know what was applied before its first file.
    virtual Result<std::string> joined(std::string_view written, std::string_view applied) const = 0;
    // What the first has and the second lacks, in words; empty when nothing. Takes what surplusExpression() gives.
    virtual std::string_view surplusExpression() const = 0;
    virtual Result<std::vector<std::string>> surplus(std::string_view here, std::string_view there) const = 0;
    // 0: reached; anything else: not in that time.
    virtual std::string awaitPosition(std::string_view position, int64_t milliseconds) const = 0;
    // Before a copy is replicated to, its position is set; the log must be empty. sourceSurplus: what
    // surplusExpression() gave at the source after the copy.
    virtual Result<std::vector<std::string>> adoptPosition(std::string_view position, std::string_view sourceSurplus,
                                                           int version) const = 0;

    // Replication.
    virtual std::string_view showReplica() const = 0;  // no row: not a replica
    virtual const ReplicaColumns& columns() const = 0;
    // Of the replica's status: whether all that was received is applied.
    virtual Result<bool> hasAppliedAll(const Row& status) const = 0;
    virtual std::string_view showReplicasOf() const = 0;  // hosts that registered, at the source
    // version: of the server, 101119. end: the fenced primary's last position, which it follows from.
    virtual std::vector<std::string> followSource(const SourceAddress& source, std::string_view end,
                                                  int version) const = 0;
    virtual std::string_view startReplica() const = 0;
    virtual std::string_view stopReplica() const = 0;
    virtual std::string_view startApplier() const = 0;
    virtual std::string_view stopReceiver() const = 0;
    virtual std::string_view forgetSource() const = 0;

    // Writes.
    virtual std::string_view closeWrites() const = 0;
    virtual std::string_view openWrites() const = 0;
    virtual std::string_view writesAreClosed() const = 0;  // expression: 1 or 0
    // Whether read-only mode binds accounts with every right, too.
    virtual bool closesForEverybody() const = 0;
    // Such a mode forbids even to lock accounts: what leaves accounts with every right able to write, and nobody else.
    virtual std::string_view admitAdministrators() const = 0;

    // User, Host of every account that can log in and is not locked.
    virtual std::string_view openAccounts() const = 0;
    // User, Host of accounts that read-only mode does not bind.
    virtual std::string_view unboundAccounts() const = 0;
    virtual std::string_view reloadTls() const = 0;
    // Options of the server's own option file that replication needs, beside those both have.
    virtual std::vector<std::pair<std::string, std::string>> options() const = 0;
};

}  // namespace swb::driver::mariadb
