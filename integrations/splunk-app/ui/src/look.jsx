// What more than one part of the page looks like.
import styled, {createGlobalStyle} from "styled-components";
import {variables} from "@splunk/themes";

// Splunk's components are drawn on whatever lies below them: without this the dark scheme is white
// on white.
export const Ground = createGlobalStyle`
    body {
        margin: 0;
        background-color: ${variables.backgroundColorPage};
        color: ${variables.contentColorDefault};
    }
`;

export const Main = styled.main`
    background-color: ${variables.backgroundColorPage};
    color: ${variables.contentColorDefault};
    font-family: ${variables.sansFontFamily};
    font-size: 14px;
    line-height: 20px;
    box-sizing: border-box;
    margin: 0 auto;
    max-width: 1000px;
    padding: 24px 24px 96px;

    h1,
    h2,
    h3 {
        color: ${variables.contentColorActive};
    }
    h1 {
        margin: 0 0 8px;
    }
    h2 {
        margin: 0 0 8px;
    }
    h2:focus {
        outline: none;
    }
    h3 {
        border-top: 1px solid ${variables.borderColor};
        margin: 16px 0 12px;
        padding-top: 12px;
    }
    p {
        margin: 0 0 12px;
        max-width: 76ch;
    }
    code {
        font-family: ${variables.monoFontFamily};
        overflow-wrap: anywhere;
    }
`;

export const Card = styled.section`
    background-color: ${variables.backgroundColorSection};
    border: 1px solid ${variables.borderColor};
    border-radius: 4px;
    margin-top: 16px;
    padding: 16px 20px;
`;

export const Columns = styled.div`
    display: grid;
    gap: 0 24px;
    grid-template-columns: repeat(auto-fit, minmax(260px, 1fr));
`;

export const Buttons = styled.div`
    align-items: center;
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
`;

export const Muted = styled.span`
    color: ${variables.contentColorDefault};
`;

export const Code = styled.pre`
    background-color: ${variables.backgroundColorPage};
    border: 1px solid ${variables.borderColor};
    border-radius: 4px;
    color: ${variables.contentColorActive};
    font-family: ${variables.monoFontFamily};
    margin: 0 0 12px;
    overflow-x: auto;
    padding: 8px 12px;
`;

export const Input = styled.input`
    background-color: ${variables.backgroundColor};
    border: 1px solid
        ${({$wrong}) => ($wrong ? variables.accentColorNegative : variables.borderColor)};
    border-radius: 3px;
    box-sizing: border-box;
    color: ${variables.contentColorActive};
    font-family: ${variables.monoFontFamily};
    font-size: 14px;
    height: 32px;
    padding: 0 8px;
    width: 100%;

    &:focus {
        box-shadow: ${variables.focusShadow};
        outline: 2px solid transparent;
    }
`;

// Looks like a link and does something here; Splunk's Link always leads somewhere.
export const Act = styled.button.attrs({type: "button"})`
    background: none;
    border: 0;
    color: ${variables.linkColor};
    cursor: pointer;
    font: inherit;
    padding: 0;
    text-align: left;
    text-decoration: underline;

    &:focus {
        box-shadow: ${variables.focusShadow};
        outline: 2px solid transparent;
    }
`;

export const Bar = styled.div`
    background-color: ${variables.backgroundColorSection};
    border-top: 1px solid ${variables.borderColor};
    bottom: 0;
    left: 0;
    padding: 12px 24px;
    position: fixed;
    right: 0;
    z-index: 10;

    > div {
        margin: 0 auto;
        max-width: 952px;
    }
`;
