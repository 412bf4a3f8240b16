// The drivers of this server behind one interface, so that the verbs can be tested against scripted ones. One instance
// per kind, made when first needed; drivers keep their state in the directory that the context names.
#pragma once

#include <memory>

#include "driver/database_driver.h"
#include "driver/process_driver.h"
#include "driver/web_driver.h"

namespace swb::agent {

class Drivers {
  public:
    virtual ~Drivers() = default;
    virtual Result<driver::DatabaseDriver*> database(Engine engine) = 0;
    virtual Result<driver::WebDriver*> web(Front front) = 0;
    virtual driver::ProcessDriver& process() = 0;
};

std::unique_ptr<Drivers> makeDrivers();

}  // namespace swb::agent
