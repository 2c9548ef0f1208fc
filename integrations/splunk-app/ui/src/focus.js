// Where the cursor goes, and what stops somebody from leaving too early.
import {useEffect, useRef, useState} from "react";

// Leaving with unsaved changes asks first.
export function useWarning(dirty) {
    useEffect(() => {
        if (!dirty) return undefined;
        const warn = (event) => {
            event.preventDefault();
            event.returnValue = "";
        };
        window.addEventListener("beforeunload", warn);
        return () => window.removeEventListener("beforeunload", warn);
    }, [dirty]);
}

// A function that puts the focus on an id or a ref, once React has drawn what it is to be on.
export function useFocus() {
    const wanted = useRef(null);
    const [, draw] = useState(0);
    useEffect(() => {
        if (!wanted.current) return;
        const target =
            typeof wanted.current === "string"
                ? document.getElementById(wanted.current)
                : wanted.current.current;
        if (target) {
            target.focus();
            target.scrollIntoView({block: "center"});
            wanted.current = null;
        }
    });
    return (target) => {
        wanted.current = target;
        draw((times) => times + 1);
    };
}

export function usePlaces() {
    return {
        form: useRef(null),
        list: useRef(null),
        doctor: useRef(null),
        box: useRef(null), // what was saved, or what is wrong
    };
}
