//! The channel to the card, relayed by the window.

use pki_core::card_channel::{BLOCK, Command, KEY_VERSION_CARD, PERSONALISATION_AID, Scp03Host};
use schema::wire::bytes::Base64;
use serde_json::{Value, json};
use terminal::gateway::GatewayFault;

use crate::support::{CARD, VISIT, card_keys, put_key};
use schema::wire::v1::ra::*;

use super::{Stage, State, refused};

impl State {
    pub(super) fn open(&mut self, request: CardChannelRequest) -> Result<Value, GatewayFault> {
        match request.purpose {
            ChannelPurpose::Prepare if self.application.step > Step::CardPrepared => {
                return Err(refused(409, "step-not-due"));
            }
            ChannelPurpose::Write => self.due(Step::Confirmed)?,
            ChannelPurpose::Prepare => {}
        }
        let (host, begin) = Scp03Host::begin(KEY_VERSION_CARD, &card_keys(), [7; 8]);
        self.channel = Some((request.purpose, Stage::Begun(host)));
        let select = Command::new(0, 0xA4, 4, 0)
            .with_data(&PERSONALISATION_AID)
            .with_le(256);
        Ok(
            json!({"channel": "33".repeat(16), "commands": [Base64(select.to_bytes()), Base64(begin)]}),
        )
    }

    pub(super) fn relay(&mut self, request: CardRelayRequest) -> Result<Value, GatewayFault> {
        let (purpose, stage) = self.channel.take().ok_or(refused(404, "channel-unknown"))?;
        let answers: Vec<Vec<u8>> = request.responses.into_iter().map(|r| r.0).collect();
        let last = answers.last().ok_or(refused(422, "card-refused"))?;
        let (stage, commands) = match stage {
            Stage::Begun(host) => {
                let (opening, command) = host
                    .answer(last)
                    .map_err(|_| refused(422, "card-refused"))?;
                (Stage::Opening(opening), vec![command])
            }
            Stage::Opening(opening) => {
                let mut channel = opening
                    .confirm(last)
                    .map_err(|_| refused(422, "card-refused"))?;
                let commands: Vec<Vec<u8>> = self
                    .commands(purpose)
                    .iter()
                    .map(|command| channel.wrap(command).unwrap())
                    .collect();
                (Stage::Working(channel, commands.len()), commands)
            }
            Stage::Working(mut channel, sent) => {
                assert_eq!(answers.len(), sent);
                for answer in &answers {
                    channel
                        .unwrap(answer)
                        .map_err(|_| refused(422, "card-refused"))?;
                }
                if purpose == ChannelPurpose::Prepare {
                    self.application.card = Some(hex::encode(CARD));
                    self.application.visit = Some(hex::encode(VISIT));
                    self.application.step = Step::CardPrepared;
                }
                return Ok(json!({"commands": [], "done": true}));
            }
        };
        self.channel = Some((purpose, stage));
        let commands: Vec<Base64> = commands.into_iter().map(Base64).collect();
        Ok(json!({"commands": commands, "done": false}))
    }

    pub(super) fn commands(&self, purpose: ChannelPurpose) -> Vec<Command> {
        if purpose == ChannelPurpose::Prepare {
            return vec![put_key()];
        }
        let issued = self.application.certificate.as_ref().unwrap();
        let file = |number: u8, data: &[u8]| {
            let blocks: Vec<Vec<u8>> = data.chunks(BLOCK).map(<[u8]>::to_vec).collect();
            let count = blocks.len();
            blocks.into_iter().enumerate().map(move |(i, block)| {
                let last = if i + 1 == count { 0x80 } else { 0 };
                Command::new(0x80, 0xE2, number | last, i as u8).with_data(&block)
            })
        };
        file(2, &issued.issuer_certificate.0)
            .chain(file(1, &issued.certificate.0))
            .collect()
    }
}
